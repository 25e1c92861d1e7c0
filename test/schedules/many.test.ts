import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Change } from '../../client/schedules/apply.js';
import { withFleet } from '../support/fleet.js';
import { until } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house, client } = await withServedHouse(wholeFile);
const fleet = await withFleet(wholeFile, { hosts: [{ name: 'athena' }] });

const COUNT = 200;
/** This machine may be busy with other tests: the limits of a quiet one, with room. */
const ROOM = 4;

const count = (changes: readonly Change[], kind: Change['kind']): number =>
  changes.filter((change) => change.kind === kind).length;

test('two hundred instances are applied quickly, also after an apply that was killed in the middle', async (t) => {
  const names = Array.from({ length: COUNT }, (_, index) => `job${index}`);
  const file = join(house.root, 'lockkeeper.json');
  const instances = Object.fromEntries(names.map((name) => [name, { branchPrefix: `${name}-`, schedule: 'weekly' }]));
  await writeFile(file, JSON.stringify({ name: 'many', defaults: { repoPath: fleet.checkout }, instances }));
  const apply = async (): Promise<{ readonly changes: readonly Change[]; readonly seconds: number }> => {
    const start = performance.now();
    const changes = await house.json<readonly Change[]>(['apply', '--config', file]);
    return { changes, seconds: (performance.now() - start) / 1000 };
  };

  const made = async (): Promise<number> => {
    let found = 0;
    for await (const { memo } of client.schedule.list({ pageSize: 500 })) if (memo?.lockkeeper === 'many') found += 1;
    return found;
  };
  const killed = house.start(['apply', '--json', '--config', file]);
  await until(
    async () => (await made()) > 0 || killed.child.exitCode !== null,
    60_000,
    () => killed.output(),
  );
  killed.child.kill('SIGKILL');
  await killed.ended;
  const before = await made();
  t.diagnostic(`killed after ${before} schedules`);

  const first = await apply();
  assert.deepEqual([first.changes.length, count(first.changes, 'failed')], [COUNT, 0]);
  assert.equal(count(first.changes, 'created') + count(first.changes, 'unchanged'), COUNT);
  const second = await apply();
  assert.equal(count(second.changes, 'unchanged'), COUNT);
  await until(
    async () => (await made()) === COUNT,
    30_000,
    () => 'not all are listed',
  );
  t.diagnostic(`first ${first.seconds.toFixed(1)} s, again ${second.seconds.toFixed(1)} s`);
  assert.ok(first.seconds < 20 * ROOM, `${first.seconds} s`);
  assert.ok(second.seconds < 5 * ROOM, `${second.seconds} s`);
});
