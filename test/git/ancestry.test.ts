import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openGit } from '../../activities/git/git.js';
import { isAncestor } from '../../activities/git/branch-owner.js';
import { failure } from '../support/failure.js';
import { commitFiles, git } from '../support/git.js';

test('whether a commit is in the history of another is not answered when one of them cannot be read', async () => {
  const repository = await mkdtemp(path.join(tmpdir(), 'lockkeeper-ancestry-'));
  try {
    await git(repository, 'init', '--quiet', '--initial-branch=main');
    const first = await commitFiles(repository, { file: '1' }, 'One');
    const second = await commitFiles(repository, { file: '2' }, 'Two');
    const own = openGit(repository);
    assert.equal(await isAncestor(own, first, second), true);
    assert.equal(await isAncestor(own, second, first), false);
    const { message } = await failure(isAncestor(own, '1'.repeat(40), second), 'GitUnusable');
    assert.match(message, /^git merge-base failed \(128\): .*1{40}/);
  } finally {
    await rm(repository, { recursive: true, force: true });
  }
});
