import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { withMovedFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { until } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';
import { sshKey, trusting } from '../support/signing.js';

const { house } = await withServedHouse(wholeFile);
const fleet = await withMovedFleet(wholeFile, { hosts: [{ name: 'athena', seconds: 4 }] }, ['alpha']);

test('what lands is signed, also where main moved meanwhile, and doctor signs before it', async () => {
  const key = await sshKey(path.join(house.root, 'key'), 'ed25519');
  const doctor = await house.lockkeeper(['doctor', '--signing-key-file', key]);
  assert.match(doctor.stdout, /ok +signing key .* signs/);
  const running = house.start(['update', fleet.checkout, '--land', 'merge', '--signing-key-file', key, '--json']);
  await until(async () => (await fleet.buildsOf('athena')) > 0, 120_000, running.output);
  const theirs = await fleet.pushToMain({ 'NOTES.md': 'by a colleague\n' });
  const { outcome, head } = await running.report();
  assert.equal(outcome, 'landed');
  assert.equal(await git(fleet.remote, 'rev-parse', 'main'), head);
  assert.equal(await git(fleet.remote, 'rev-parse', 'main^'), theirs, 'it was carried over');
  await git(fleet.remote, ...(await trusting(key)), 'verify-commit', 'main');
});

test('a key that cannot be used ends the run before the lock is updated', async () => {
  await fleet.moveInput('alpha');
  const built = await fleet.builds();
  const unfit = await sshKey(path.join(house.root, 'unfit'), 'ecdsa');
  const failed = await house.lockkeeper(['update', fleet.checkout, '--signing-key-file', unfit]);
  assert.equal(failed.exitCode, 1);
  assert.match(failed.stderr + failed.stdout, /the signing key \S+unfit signs the same commit differently each time/);
  assert.deepEqual(await fleet.builds(), built);
  const { stdout } = await house.lockkeeper(['doctor', '--signing-key-file', unfit]);
  assert.match(stdout, /fail +signing key .*unfit signs the same/);
});
