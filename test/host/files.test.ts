import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { createWhole, makeFolder, readJson, writeWhole } from '../../host/files.js';

const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-files-'));
after(() => rm(root, { recursive: true }));

test('a folder is made with those above it, for its owner alone', async () => {
  await makeFolder(path.join(root, 'a', 'b', 'c'));
  for (const each of ['a', 'a/b', 'a/b/c']) assert.equal((await stat(path.join(root, each))).mode & 0o777, 0o700);
});

test('where no folder can be made, that is said at once', async () => {
  await writeFile(path.join(root, 'file'), '');
  await symlink(path.join(root, 'nowhere'), path.join(root, 'link'));
  for (const [place, code] of [
    ['/proc/x', 'ENOENT'],
    ['/proc/x/y/z', 'ENOENT'],
    [path.join(root, 'file'), 'EEXIST'],
    [path.join(root, 'file', 'below'), 'ENOTDIR'],
    [path.join(root, 'link'), 'EEXIST'],
    [path.join(root, 'x'.repeat(5000)), 'ENAMETOOLONG'],
    [path.join(root, 'deep/'.repeat(1000)), 'ENAMETOOLONG'],
  ] as const)
    await assert.rejects(makeFolder(place), { code }, place.slice(0, 60));
});

test('of many who make a file at once one does, and nothing else is left', async () => {
  const file = path.join(root, 'once', 'file');
  await mkdir(path.dirname(file));
  const made = await Promise.all(Array.from({ length: 8 }, (_, index) => createWhole(file, String(index))));
  assert.equal(made.filter(Boolean).length, 1);
  assert.equal(await readFile(file, 'utf8'), String(made.indexOf(true)));
  assert.deepEqual(await readdir(path.dirname(file)), ['file']);
});

test('a record that is missing or cut off is none, and one that cannot be read is not taken for none', async () => {
  const file = path.join(root, 'records', 'record.json');
  assert.equal(await readJson(file), null);
  await writeWhole(file, '{"a":1}');
  assert.deepEqual(await readJson(file), { a: 1 });
  assert.equal(await readJson(path.join(file, 'below')), null);
  await writeFile(file, '{"a":');
  assert.equal(await readJson(file), null);
  await assert.rejects(readJson(path.dirname(file)), /it is a folder/);
});
