import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createEarlierHolds, reportsOf, writeReport } from '../../activities/reports.js';
import { exampleReport } from '../support/report.js';
import { activityEnvironment, repositoryAt } from '../support/repository.js';
import { wholeFile, withFolder } from '../support/scope.js';

const fleet = repositoryAt('https://git.example.org/fleet.git');
const HELD = { heldBack: [{ input: 'nixpkgs', targets: ['alpha'], reason: 'breaks it', revision: 'abc' }] };

const root = await withFolder(wholeFile);
const env = activityEnvironment(root);
await mkdir(env.state.reports, { recursive: true });

test('what a scheduled run did is known to the next one, however many others there were since', async () => {
  const repository = fleet.displayUrl;
  const run = 'nightly-fleet-2026-11-20T02:00:00Z';
  await writeReport(env, exampleReport({ run, instance: 'nightly', repository, inputGroup: ['nixpkgs'], ...HELD }));
  assert.deepEqual(await readdir(env.state.reports), [`${run}.json`]);
  for (let other = 0; other < 60; other += 1)
    await writeReport(env, exampleReport({ run: `nightly-other-20261121-0000${other}`, instance: 'nightly' }));

  const [known, ...more] = await reportsOf(env, 'nightly', fleet);
  assert.deepEqual([known?.run, more], [run, []]);
  assert.deepEqual(await reportsOf(env, 'night', fleet), []);
  assert.deepEqual(
    (await createEarlierHolds(env)({ repository: fleet })).map(({ input }) => input),
    ['nixpkgs'],
  );
});

test('a report whose file is named by a hash is known too', async () => {
  const other = repositoryAt('https://git.example.org/other.git');
  const run = 'nightly-other-2026-11-20T02:00:00Z';
  const name = createHash('sha256').update(run).digest('hex');
  const report = exampleReport({ run, repository: other.displayUrl, ...HELD });
  await writeFile(path.join(env.state.reports, `${name}.json`), JSON.stringify(report));
  assert.equal((await createEarlierHolds(env)({ repository: other })).length, 1);
});
