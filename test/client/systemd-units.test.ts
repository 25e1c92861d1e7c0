import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/process.js';
import { confinement, systemdUnits } from '../../model/systemd-units.js';
import { hasSystemdAnalyze } from '../support/systemd-calendar.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LOCKKEEPER = path.join(ROOT, 'bin', 'lockkeeper');
const skip = (await hasSystemdAnalyze()) ? false : 'no systemd-analyze here, so no unit was verified';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-units-'));
});
after(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What systemd says against a unit; nothing if it takes it. */
async function complaints(unit: string): Promise<string> {
  const verified = await run('systemd-analyze', ['verify', '--man=no', unit]);
  // It looks at all units that this one names, and may have something to say about those of the machine.
  const own = verified.stderr.split('\n').filter((line) => line.includes('lockkeeper'));
  assert.equal(verified.exitCode === 0, own.length === 0, verified.stderr);
  return own.join('\n');
}

test('systemd accepts the units of a worker, with a server of its own and of a cluster', { skip }, async () => {
  for (const [name, more] of [
    ['alone', []],
    ['cluster', ['--address', 'temporal.example.org:7233', '--user', 'vincent', '--agent']],
  ] as const) {
    const directory = path.join(folder, name);
    const written = await run(LOCKKEEPER, ['systemd-units', '--directory', directory, ...more]);
    assert.equal(written.exitCode, 0, written.stderr);
    assert.match(written.stderr, /systemctl enable --now lockkeeper/);
    const units = await readdir(directory);
    assert.deepEqual(units.sort(), ['lockkeeper-apply.service', 'lockkeeper-run@.service', 'lockkeeper.service']);
    for (const unit of units) assert.equal(await complaints(path.join(directory, unit)), '');
  }
  const text = await readFile(path.join(folder, 'cluster', 'lockkeeper.service'), 'utf8');
  assert.match(text, /^ExecStart=\S+ \S+\/bin\/lockkeeper worker --roles=coordinator,builder,agent$/m);
  assert.match(text, /^User=vincent$/m);
});

test('each account has a worker beside the one for all others, and systemd accepts it', { skip }, async () => {
  const directory = path.join(folder, 'account');
  const args = ['--directory', directory, '--user', 'vincent', '--user-queue', '--address', '127.0.0.1:7233'];
  const written = await run(LOCKKEEPER, ['systemd-units', ...args]);
  assert.match(written.stderr, /systemctl enable --now lockkeeper-vincent$/m);
  assert.deepEqual(await readdir(directory), ['lockkeeper-vincent.service']);
  const unit = path.join(directory, 'lockkeeper-vincent.service');
  const text = await readFile(unit, 'utf8');
  assert.match(text, /^ExecStart=.* worker --roles=coordinator,builder --user-queue=vincent$/m);
  assert.match(text, /^StateDirectory=lockkeeper-vincent$/m);
  assert.equal(await complaints(unit), '');
});

test('a path in the unit is taken as it is, whatever it holds', { skip }, async () => {
  const unit = path.join(folder, 'lockkeeper.service');
  const write = async (...command: string[]): Promise<string> => {
    const text =
      systemdUnits({ command, user: 'lockkeeper', address: null, userQueue: false, agent: false })[
        'lockkeeper.service'
      ] ?? '';
    await writeFile(unit, text);
    return text;
  };
  assert.match(
    await write('/bin/sh', '/opt/a "folder" of 100%n \\ $HOME/lockkeeper'),
    /^ExecStart=\/bin\/sh "\/opt\/a \\"folder\\" of 100%%n \\\\ \$\$HOME\/lockkeeper" dev --roles=coordinator,builder$/m,
  );
  assert.equal(await complaints(unit), '');
  assert.match(await write('/nowhere/node', LOCKKEEPER), /:\/nowhere$/m, 'its own Node is on its PATH');
  assert.match(await complaints(unit), /not executable/, 'systemd looks at the command at all');
});

test('the unit confines a worker as the NixOS module does, with and without agents', async () => {
  const file = path.join(ROOT, 'nix', 'modules', 'confinement.nix');
  for (const agent of [true, false]) {
    const arg = ['--arg', 'agent', String(agent)];
    const evaluated = await run('nix-instantiate', ['--eval', '--strict', '--json', ...arg, file]);
    assert.equal(evaluated.exitCode, 0, evaluated.stderr);
    const settings = Object.entries(JSON.parse(evaluated.stdout) as Readonly<Record<string, string | boolean>>);
    assert.deepEqual(confinement(agent), Object.fromEntries(settings.map(([key, value]) => [key, String(value)])));
  }
});

test('what cannot stand in a unit is refused', async () => {
  for (const [args, reason] of [
    [['--user', 'some body'], /--user "some body" is no name of an account/],
    [['--address', 'temporal.example.org'], /--address "temporal.example.org" is no address/],
    [['--user', 'vincent', '--user-queue'], /--user-queue "vincent" shares its server with another worker: name that/],
    [['--directory', LOCKKEEPER], /--directory .* cannot be written to/],
  ] as const) {
    const refused = await run(LOCKKEEPER, ['systemd-units', ...args]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, reason);
    assert.equal(refused.stdout, '');
  }
});
