import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { isPart, partId } from '../../model/run/ids.js';
import { withMovedFleet } from '../support/fleet.js';
import { until, withHouse, type Running } from '../support/lockkeeper.js';
import { withServer } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';
import { assertNothingIsLeft, assertReleased, kill } from '../support/stage.js';
import { nameOnForge, withStandInForge } from '../support/stand-in-forge.js';

const INPUTS = ['alpha', 'beta', 'gamma'];
const BRANCH = 'bot/flake-update';

const fleet = await withMovedFleet(wholeFile, {
  hosts: [{ name: 'athena', input: 'all', seconds: 5 }],
  inputs: INPUTS,
});
// One after the other, so that some parts have ended when others have not.
const ONE_BUILD = ['--slots', '1'];
const house = await withHouse(wholeFile);
await house.dev(...ONE_BUILD);
const repository = nameOnForge(fleet.remote);
const forge = await withStandInForge(wholeFile, repository, async (branch) => (await fleet.branches())[branch] ?? '');
const tokenFile = join(house.root, 'forge-token');
await writeFile(tokenFile, forge.token, { mode: 0o600 });

const start = (): Running =>
  house.start([
    ...['update', fleet.checkout, '--land', 'pull-request', '--per-input', '--json'],
    ...['--forge-kind', 'gitea', '--forge-url', forge.url, '--forge-token-file', tokenFile],
  ]);

interface Pull {
  readonly number: number;
  readonly body: string;
  readonly head: { readonly ref: string };
}
const pulls = () => forge.state().pulls as unknown as readonly Pull[];
/** Branches of the open requests whose text is about what they hold. */
const told = async (): Promise<readonly string[]> => {
  const at = await fleet.branches();
  return pulls()
    .filter(({ body, head }) => body.includes(`commit=${at[head.ref] ?? 'gone'} `))
    .map(({ head }) => head.ref.slice(BRANCH.length + 1))
    .sort();
};
/** The run that has just begun. */
const openRun = async (running: Running): Promise<string> => {
  let found = '';
  const look = (): Promise<boolean> =>
    withServer(house, async (client) => {
      const query = 'WorkflowType = "updateFlake" AND ExecutionStatus = "Running"';
      for await (const { workflowId } of client.workflow.list({ query })) if (!isPart(workflowId)) found = workflowId;
      return found !== '';
    });
  await until(look, 300_000, running.output);
  return found;
};
const outcomes = ({ parts = [] }: Report): readonly string[] =>
  parts.map(({ inputs, outcome }) => `${inputs.join()} ${outcome}`);

test('a worker that is killed between the parts of a run opens no request twice, and builds nothing twice', async () => {
  const running = start();
  await until(() => pulls().length > 0, 300_000, running.output);
  assert.ok(pulls().length < INPUTS.length, 'some are still to come');
  await kill(house, 'worker');
  await house.dev(...ONE_BUILD);
  const report = await running.report();
  assert.deepEqual(
    outcomes(report),
    INPUTS.map((input) => `${input} landed`),
  );
  assert.deepEqual([pulls().length, await told()], [INPUTS.length, INPUTS]);
  assert.equal(await fleet.buildsOf('athena'), INPUTS.length);
  const contexts = forge.state().statuses.map(({ context }) => context);
  assert.equal(contexts.length, 2 * INPUTS.length, contexts.join());
  await assertNothingIsLeft(house, fleet, report.run);
  await assertReleased(house, report.run);
});

test('a part that fails and one that is cancelled lose nothing of the others, and the next run makes up for both', async () => {
  for (const input of INPUTS) await fleet.moveInput(input);
  const failing = pulls().find(({ head }) => head.ref === `${BRANCH}-beta`)?.number;
  const before = await fleet.branches();
  forge.disturb(({ method = '', url = '' }, response) => {
    if (method !== 'PATCH' || !url.endsWith(`/pulls/${failing ?? ''}`)) return false;
    response.writeHead(422).end('{"message":"no"}');
    return true;
  });
  const running = start();
  const run = await openRun(running);
  const cancelled = partId(run, 'gamma');
  const isAsked = (): Promise<boolean> =>
    withServer(house, (client) =>
      client.workflow
        .getHandle(cancelled)
        .cancel()
        .then(() => true),
    );
  await until(isAsked, 300_000, running.output);
  const report = await running.report(1);
  forge.disturb(() => false);
  assert.deepEqual(outcomes(report), ['alpha landed', 'beta failed', 'gamma cancelled']);
  assert.match(report.error ?? '', /^beta: Gitea at .* refused the request .*HTTP 422: no/);
  assert.deepEqual(await told(), ['alpha', 'gamma']);
  const after = await fleet.branches();
  assert.equal(after[`${BRANCH}-gamma`], before[`${BRANCH}-gamma`], 'it stays at what was verified last');
  await assertNothingIsLeft(house, fleet, run);
  await assertReleased(house, run);

  const next = await start().report();
  assert.deepEqual(
    outcomes(next),
    INPUTS.map((input) => `${input} landed`),
  );
  assert.deepEqual([pulls().length, await told()], [INPUTS.length, INPUTS]);
});
