import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { COORDINATOR_QUEUE } from '../../model/run/queues.js';
import type { RunOptions } from '../../model/run/options.js';
import { withFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const SECRET = 'swordfish-0123456789';

const { house, worker, client } = await withServedHouse(wholeFile);
const fleet = await withFleet(wholeFile, { hosts: [{ name: 'web', fail: 'build' }] });
const flake = await fleet.show('main', 'flake.nix');
await fleet.pushToMain({ 'flake.nix': flake.replace('option boot.loader', `token ${SECRET}`) });
await git(fleet.checkout, 'config', 'http.https://forge.example/.extraHeader', `Authorization: Bearer ${SECRET}`);
await fleet.moveInput('alpha');

/** Every event of a run and of its children, as the server keeps them. */
async function histories(run: string): Promise<string> {
  let text = '';
  for await (const { workflowId } of client.workflow.list()) {
    if (!workflowId.startsWith(run)) continue;
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    // Payloads are written in base64.
    text += JSON.stringify(events, (name, value: unknown) =>
      name === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value,
    );
  }
  return text;
}

test('a builder that prints a secret of the worker brings it into its log alone', async () => {
  const { report, stdout, stderr } = await house.update(fleet.checkout);
  const [target] = report.targets;
  assert.equal(target?.verdict, 'build-failed');
  assert.match(target.logTail ?? '', /token \[secret\] of web is gone/);
  assert.match(await readFile(target.logPath ?? '', 'utf8'), new RegExp(SECRET));
  const stored = await readFile(path.join(house.state.reports, `${report.run}.json`), 'utf8');
  const history = await histories(report.run);
  assert.ok(history.includes('[secret]'));
  for (const text of [stdout, stderr, stored, history, worker.output()]) assert.ok(!text.includes(SECRET));
});

test('a run that was started without the client is refused when its options would do harm', async () => {
  const latest = (await house.lockkeeper(['list', '--json'])).stdout;
  const [{ run }] = JSON.parse(latest) as [{ run: string }];
  const { events } = await client.workflow.getHandle(run).fetchHistory();
  const data = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data ?? new Uint8Array();
  const options = JSON.parse(Buffer.from(data).toString('utf8')) as RunOptions;
  const { repository } = options;
  const mark = path.join(house.root, 'mark');
  const command = `ext::sh -c touch% ${mark}`;
  const hostile: readonly (readonly [Partial<RunOptions>, RegExp])[] = [
    [{ repository: { ...repository, url: command, displayUrl: command } }, /repository\.url .*is a command/],
    [{ repository: { ...repository, dir: '../../../etc' } }, /repository\.dir/],
    [{ repository: { ...repository, mainBranch: `--output=${mark}` } }, /repository\.mainBranch/],
    [{ inputs: [`--option`] }, /inputs "--option"/],
    [{ targets: { hosts: [`web"; x`], exclude: null } }, /hosts/],
  ];
  for (const [index, [change, expected]] of hostile.entries()) {
    const workflowId = `hostile-${index}`;
    const args = [{ ...options, ...change, lockWorkflowId: `${workflowId}-lock` }];
    const result = client.workflow.execute('updateFlake', { workflowId, taskQueue: COORDINATOR_QUEUE, args });
    await assert.rejects(result, (error) => {
      assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure);
      assert.equal(error.cause.type, 'BadOptions');
      assert.match(error.cause.message, expected);
      return true;
    });
  }
  assert.ok(!existsSync(mark));
});
