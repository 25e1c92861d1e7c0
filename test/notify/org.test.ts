import assert from 'node:assert/strict';
import { chmod, chown, lchown, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, test } from 'node:test';
import type { NewsOfRun } from '../../model/notify/types.js';
import { OUTCOMES } from '../../model/report/data.js';
import { notify } from '../support/notify.js';
import { brokenTarget, exampleReport } from '../support/report.js';
import { wholeFile, withFolder } from '../support/scope.js';

const directory = await withFolder(wholeFile);
let inbox = '';
beforeEach(() => {
  inbox = path.join(directory, `${Math.random().toString(36).slice(2)}.org`);
});

const report = exampleReport({ outcome: 'broken', landed: null, targets: [brokenTarget('gamma')] });
const tell = (change: Partial<NewsOfRun> = {}) =>
  notify({ notifier: 'org', options: { ntfy: null, inboxOrg: inbox }, report, ...change });

test('a failed run appends one entry, and a repeat of it none', async () => {
  assert.deepEqual(await tell(), { notifier: 'org', event: 'finished', ok: true, error: null });
  const text = await readFile(inbox, 'utf8');
  assert.match(
    text,
    /^\* TODO .*gamma.*\n:PROPERTIES:\n:CREATED: \[2026-11-21 Sat 10:31\]\n:LOCKKEEPER_RUN: update-fleet-/,
  );
  assert.ok(text.endsWith('\n'));
  assert.equal((await tell()).ok, true);
  assert.equal(await readFile(inbox, 'utf8'), text);
});

test('another run, though its id begins alike, gets an entry of its own', async () => {
  await tell({ report: { ...report, run: `${report.run}-2` } });
  await tell();
  assert.equal((await readFile(inbox, 'utf8')).match(/^\* TODO /gm)?.length, 2);
});

test('text that is there stays, and an entry after a last line without an end begins on a line of its own', async () => {
  await writeFile(inbox, '* Mine\nno end');
  await tell();
  assert.match(await readFile(inbox, 'utf8'), /^\* Mine\nno end\n\* TODO /);
});

test('a symbolic link and the permissions of the file behind it stay as they are', async () => {
  const real = `${inbox}.real`;
  await writeFile(real, '* Mine\n', { mode: 0o600 });
  await symlink(real, inbox);
  await tell();
  assert.ok((await lstat(inbox)).isSymbolicLink());
  assert.equal((await stat(real)).mode & 0o777, 0o600);
  assert.match(await readFile(real, 'utf8'), /\n\* TODO /);
});

test('a new file belongs to the owner of its folder', { skip: process.geteuid?.() !== 0 }, async () => {
  const home = path.join(directory, 'home');
  await mkdir(home);
  await chown(home, 12345, 23456);
  inbox = path.join(home, 'inbox.org');
  await tell();
  const { uid, gid } = await stat(inbox);
  assert.deepEqual({ uid, gid }, { uid: 12345, gid: 23456 });
});

test(
  'a worker of root writes nothing to where an account’s own links lead it, but to its files',
  { skip: process.geteuid?.() !== 0 },
  async () => {
    const [home, system] = [path.join(directory, 'their-home'), path.join(directory, 'system')];
    const own = path.join(home, 'own');
    for (const folder of [home, system, own]) await mkdir(folder);
    for (const folder of [home, own]) await chown(folder, 12345, 12345);
    const [profile, real] = [path.join(system, 'profile'), path.join(own, 'real.org')];
    for (const file of [profile, real]) await writeFile(file, '');
    await chown(real, 12345, 12345);
    for (const [link, to] of [
      ['file', profile],
      ['good', real],
      ['folder', system],
      ['good-folder', own],
    ] as const) {
      await symlink(to, path.join(home, link));
      await lchown(path.join(home, link), 12345, 12345);
    }
    const at = async (...parts: readonly string[]) => {
      inbox = path.join(home, ...parts);
      return await tell();
    };
    for (const parts of [['file'], ['folder', 'profile'], ['folder', 'new.org']] as const) {
      const { ok, error } = await at(...parts);
      assert.equal(ok, false);
      assert.match(error ?? '', /leads to \S+\/system\/\S+, of another account/);
    }
    assert.equal(await readFile(profile, 'utf8'), '');
    assert.deepEqual(await readdir(system), ['profile']);
    for (const parts of [['good'], ['good-folder', 'new.org']] as const) assert.equal((await at(...parts)).ok, true);
    assert.match(await readFile(real, 'utf8'), /^\* TODO /);
    assert.equal((await stat(path.join(own, 'new.org'))).uid, 12345);
  },
);

test('only failures make entries, and requests for approval none', async () => {
  for (const outcome of OUTCOMES) {
    const failed = ['broken', 'failed', 'expired'].includes(outcome);
    await tell({ report: exampleReport({ outcome, run: outcome }) });
    const text = await readFile(inbox, 'utf8').catch(() => '');
    assert.equal(text.includes(`:LOCKKEEPER_RUN: ${outcome}\n`), failed, outcome);
  }
  await tell({ event: 'waiting', report: { ...report, run: 'waits' } });
  assert.ok(!(await readFile(inbox, 'utf8')).includes('waits'));
});

test('a missing folder, a read-only file, a folder and a dangling link are results that name the file', async () => {
  const folder = path.join(directory, 'no-such-folder');
  const readOnly = `${inbox}.read-only`;
  await writeFile(readOnly, '* Mine\n');
  await chmod(readOnly, 0o444);
  await symlink('/nonexistent/inbox.org', `${inbox}.link`);
  for (const [file, reason] of [
    [path.join(folder, 'inbox.org'), /folder .*no-such-folder does not exist/],
    [readOnly, /read-only: run chmod u\+w/],
    [directory, /not a regular file/],
    [`${inbox}.link`, /symbolic link to nothing/],
  ] as const) {
    inbox = file;
    const result = await tell();
    assert.equal(result.ok, false);
    const error = result.error ?? '';
    assert.ok(error.startsWith(`org inbox ${file} `), error);
    assert.match(error, reason);
  }
  assert.equal(await readFile(readOnly, 'utf8'), '* Mine\n');
});
