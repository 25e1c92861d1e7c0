import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApplyFix } from '../../activities/git/apply-fix.js';
import { commitFile } from '../../activities/git/commit.js';
import { mirrorPath } from '../../activities/git/mirror.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { git } from '../support/git.js';
import { withPlace } from '../support/repository.js';
import type { Place } from '../support/repository.js';

const signature = {
  author: { name: 'A', email: 'a@example.org' },
  committer: { name: 'C', email: 'c@example.org' },
  date: 1_790_000_000,
};
const MESSAGE = 'fix(web): work with the updated inputs\n\nChanged by an agent.\n\nLockkeeper-Run: r1\n';

/** A candidate that writes one file on top of base. */
const writing = ({ env, repository, base }: Place, file: string, content: string): Promise<Candidate> =>
  commitFile(env, { repository, parent: base, path: file, content, message: MESSAGE, ...signature });

test('a fix is the same commit again where it was made, and another one with the same message elsewhere', () =>
  withPlace(async (place) => {
    const { env, repository, base } = place;
    const apply = createApplyFix(env);
    const fix = await writing(place, 'web.nix', 'mended\n');
    const onBase: Candidate = { base, head: base, bundle: '' };
    assert.deepEqual(await apply({ repository, candidate: onBase, fix, ...signature }), fix);

    const other = await writing(place, 'NOTES.md', 'by a colleague\n');
    const applied = await apply({ repository, candidate: other, fix, ...signature });
    const mirror = mirrorPath(env, repository);
    assert.equal(await git(mirror, 'rev-parse', `${applied?.head ?? ''}^`), other.head);
    assert.equal((await git(mirror, 'log', '-1', '--format=%B', applied?.head ?? '')).trim(), MESSAGE.trim());
    assert.equal(
      await git(mirror, 'ls-tree', '--name-only', applied?.head ?? ''),
      'NOTES.md\nflake.lock\nflake.nix\nweb.nix',
    );
    assert.deepEqual(
      await apply({ repository, candidate: other, fix, ...signature }),
      applied,
      'the same when repeated',
    );
  }));

test('a fix that does not fit, or that is there already, is none', () =>
  withPlace(async (place) => {
    const { env, repository } = place;
    const apply = createApplyFix(env);
    const fix = await writing(place, 'flake.nix', '{ outputs = _: { mended = true; }; }\n');
    const conflicting = await writing(place, 'flake.nix', '{ outputs = _: { other = true; }; }\n');
    assert.equal(await apply({ repository, candidate: conflicting, fix, ...signature }), null);
    assert.equal(await apply({ repository, candidate: fix, fix, ...signature }), null);
  }));
