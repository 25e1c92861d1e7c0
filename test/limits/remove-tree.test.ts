import assert from 'node:assert/strict';
import { access, chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import { removeTree } from '../../activities/files/remove-tree.js';
import { LEFT_BEHIND } from '../../model/machine/state-directory.js';

const root = process.getuid?.() === 0;

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-remove-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes what no path reaches: so many folders in one another. */
async function makeDeep(folder: string, depth: number): Promise<void> {
  const script = `process.chdir(process.argv[1]); for (let i = 0; i < ${depth}; i += 1) { require('node:fs').mkdirSync('a-folder'); process.chdir('a-folder'); }`;
  const made = await run(process.execPath, ['-e', script, folder]);
  assert.equal(made.exitCode, 0, made.stderr);
}

test('a folder that is deeper than a path can be is removed', () =>
  withFolder(async (folder) => {
    const deep = path.join(folder, 'deep');
    await mkdir(deep);
    await makeDeep(deep, 3000);
    await removeTree(deep);
    assert.deepEqual(await readdir(folder), []);
  }));

test('folders that their owner may not read are removed, by an ordinary user as well', () =>
  withFolder(async (folder) => {
    const shut = path.join(folder, 'shut');
    await mkdir(path.join(shut, 'one', 'two'), { recursive: true });
    await writeFile(path.join(shut, 'one', 'two', 'file'), '');
    for (const each of ['one/two', 'one', '.']) await chmod(path.join(shut, each), 0);
    if (!root) {
      await removeTree(shut);
    } else {
      const owned = await run('chown', ['--recursive', '65534:65534', folder]);
      assert.equal(owned.exitCode, 0, owned.stderr);
      const module = fileURLToPath(new URL('../../activities/files/remove-tree.js', import.meta.url));
      const script = `const { removeTree } = await import(process.argv[1]); await removeTree(process.argv[2]);`;
      const removed = await run('setpriv', [
        ...['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath],
        ...['--input-type=module', '-e', script, module, shut],
      ]);
      assert.equal(removed.exitCode, 0, removed.stderr);
    }
    assert.deepEqual(await readdir(folder), []);
  }));

test('files and links are removed without a process, and what a link leads to stays', () =>
  withFolder(async (folder) => {
    const there = path.join(folder, 'there');
    await mkdir(there);
    await writeFile(path.join(folder, 'file'), '');
    await symlink(there, path.join(folder, 'link'));
    await symlink('nowhere', path.join(folder, 'dangling'));
    const module = fileURLToPath(new URL('../../activities/files/remove-tree.js', import.meta.url));
    const script = `const { removeTree } = await import(process.argv[1]); for (const each of process.argv.slice(2)) await removeTree(each);`;
    const files = ['file', 'link', 'dangling', 'missing'].map((name) => path.join(folder, name));
    // There is no rm(1) to be found.
    const args = ['--input-type=module', '-e', script, module, ...files];
    const removed = await run(process.execPath, args, { env: { ...process.env, PATH: there } });
    assert.equal(removed.exitCode, 0, removed.stderr);
    assert.deepEqual(await readdir(folder), ['there']);
  }));

test('a folder that cannot be removed is put aside, and its place is free', async (context) => {
  if (!root) {
    context.skip('only root can protect a file from its owner');
    return;
  }
  await withFolder(async (folder) => {
    const kept = path.join(folder, 'kept');
    await mkdir(kept);
    await writeFile(path.join(kept, 'file'), '');
    if ((await run('chattr', ['+i', path.join(kept, 'file')])).exitCode !== 0) {
      context.skip('this file system has no attributes');
      return;
    }
    try {
      await removeTree(kept);
      await assert.rejects(access(kept), /ENOENT/);
      const left = await readdir(folder);
      assert.equal(left.length, 1);
      assert.match(left[0] ?? '', LEFT_BEHIND);
      // What was put aside once stays there.
      await removeTree(path.join(folder, left[0] ?? ''));
      assert.deepEqual(await readdir(folder), left);
    } finally {
      for (const each of await readdir(folder)) await run('chattr', ['-i', path.join(folder, each, 'file')]);
    }
  });
});
