import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../activities/command/process.js';
import { withFleet, type Fleet } from '../support/fleet.js';

const build = (fleet: Fleet, host: string) =>
  run('nix', [
    '--extra-experimental-features',
    'nix-command flakes',
    'build',
    '--no-link',
    '--no-update-lock-file',
    `git+file://${fleet.remote}?ref=main#nixosConfigurations."${host}".config.system.build.toplevel`,
  ]);

test('a fleet builds with real Nix, counts its builds, and breaks where it was asked to', async (t) => {
  const fleet = await withFleet(t, {
    hosts: [
      { name: 'web@1.example' },
      { name: 'db', fail: 'build' },
      { name: 'ci', fail: 'eval' },
      { name: 'log', fail: 'build-after-move', input: 'beta' },
    ],
    selfRev: true,
  });
  assert.equal((await build(fleet, 'web@1.example')).exitCode, 0);
  assert.equal((await build(fleet, 'web@1.example')).exitCode, 0);
  assert.equal(await fleet.buildsOf('web@1.example'), 1);
  const db = await build(fleet, 'db');
  assert.equal(db.exitCode, 1);
  assert.match(db.stderr, /option boot.loader of db is gone/);
  assert.match((await build(fleet, 'ci')).stderr, /the option 'services.ci' does not exist/);
  assert.equal((await build(fleet, 'log')).exitCode, 0);
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);

  const revision = await fleet.moveInput('beta');
  assert.match(revision, /^[0-9a-f]{40}$/);
  const pushed = await fleet.pushToMain({ 'notes/today.md': 'hello\n' });
  assert.equal((await fleet.branches()).main, pushed);
  assert.equal(await fleet.show('main', 'notes/today.md'), 'hello');
});
