import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createFleet, type Fleet } from '../support/fleet.js';
import { commitFiles } from '../support/git.js';
import { openHouse, type House } from '../support/lockkeeper.js';
import { connectTo } from '../support/runs.js';

/** A run whose candidate is nearly as large as one may be: 200 KiB for each activity that gets it. */
const HOSTS = process.env.LOCKKEEPER_TEST_FULL === undefined ? 24 : 50;
const LIMIT_BYTES = 20 * 1024 * 1024;

let house: House;
let fleet: Fleet;
before(async () => {
  [house, fleet] = await Promise.all([
    openHouse(),
    createFleet({ hosts: Array.from({ length: HOSTS }, (_, index) => ({ name: `host${index}` })) }),
  ]);
  await house.dev('--slots', '8');
});
after(async () => {
  await house.close();
  await fleet.cleanup();
});

const LOCKED = 100;
/** What nobody can compress to less than half of it. */
const noise = (bytes: number): string => randomBytes(bytes).toString('hex');

/** A new version of an input, with inputs of its own that are locked to references of 2 KiB each. */
async function lockMuch(repository: string): Promise<void> {
  const inputs = Array.from({ length: LOCKED }, (_, index) => ({ name: `input${index}`, ref: noise(2 * 1024) }));
  const nodes = inputs.map(({ name, ref }) => {
    const github = { type: 'github', owner: 'nobody', repo: name };
    const narHash = `sha256-${randomBytes(32).toString('base64')}`;
    const locked = { ...github, lastModified: 1, narHash, rev: noise(20) };
    return [name, { locked, original: { ...github, ref }, flake: false }] as const;
  });
  const root = { inputs: Object.fromEntries(inputs.map(({ name }) => [name, name])) };
  const declared = inputs.map(
    ({ name, ref }) => `  inputs.${name} = { url = "github:nobody/${name}/${ref}"; flake = false; };`,
  );
  await commitFiles(
    repository,
    {
      'flake.nix': ['{', ...declared, '  outputs = _: { lib.version = import ./version.nix; };', '}'].join('\n'),
      'flake.lock': JSON.stringify({
        nodes: { ...Object.fromEntries<unknown>(nodes), root },
        root: 'root',
        version: 7,
      }),
      'version.nix': '2\n',
    },
    'Version 2',
  );
}

test('a run whose candidate has 200 KiB ends with no history near its limit', async () => {
  await lockMuch(fleet.inputs.alpha ?? '');
  const { exitCode, report, stderr } = await house.update(fleet.checkout);
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(new Set(report.targets.map(({ verdict }) => verdict)), new Set(['built']));
  const client = await connectTo(house);
  const sizes: number[] = [];
  for await (const { historySize } of client.workflow.list()) sizes.push(historySize ?? 0);
  await client.connection.close();
  assert.ok(Math.max(...sizes) > 200 * 1024, 'the bundle is as large as meant');
  assert.ok(Math.max(...sizes) < LIMIT_BYTES, `${sizes.join(', ')} bytes`);
});
