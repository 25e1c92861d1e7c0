import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { exitStatus, type Report } from '../../model/report.js';
import { renderReport, reportJson } from '../../model/report-render.js';
import { readHistory } from '../support/history.js';

/** Histories are data: they stay in the sources, one folder a version. */
const RECORDED = fileURLToPath(new URL('../../../test/replay/', import.meta.url));
const BUNDLE = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));

/** A history as Temporal's command writes it; its first event says which workflow it is of. */
interface History {
  readonly events: readonly {
    readonly workflowExecutionStartedEventAttributes?: { readonly workflowId: string };
  }[];
}

async function* recorded(
  names: readonly string[],
  files: Map<string, string>,
): AsyncIterable<{ readonly workflowId: string; readonly history: unknown }> {
  for (const name of names) {
    const json = JSON.parse(await readFile(path.join(RECORDED, name), 'utf8')) as History;
    const workflowId = json.events[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? '';
    files.set(workflowId, name);
    yield { workflowId, history: readHistory(json) };
  }
}

test('runs that earlier workers began go on under this one: each recorded history replays', async () => {
  const names = (await readdir(RECORDED, { recursive: true })).filter((name) => name.endsWith('.json')).sort();
  assert.ok(names.length > 0, 'no history is recorded: npm run record-histories');
  const files = new Map<string, string>();
  const replayed: string[] = [];
  const broken: string[] = [];
  const options = { workflowBundle: { codePath: BUNDLE }, replayName: 'recorded' };
  for await (const { workflowId, error } of Worker.runReplayHistories(options, recorded(names, files))) {
    const name = files.get(workflowId) ?? workflowId;
    replayed.push(name);
    if (error !== undefined) broken.push(`${name}: ${error.message}`);
  }
  assert.deepEqual(broken, []);
  assert.deepEqual(replayed, names);
});

/** Exit status of each recorded run; its report is the result of the workflow, or the memo of a cancelled one. */
const ENDS: Readonly<Record<string, number>> = {
  'approval.json': 0,
  'broken.json': 1,
  'cancelled.json': 1,
  'carry-over.json': 0,
  'landed.json': 0,
  'worker-lost.json': 0,
};

test('runs that earlier versions closed are still reported, in every form', async () => {
  for (const [name, status] of Object.entries(ENDS)) {
    const text = await readFile(path.join(RECORDED, '0.1.0', name), 'utf8');
    const payloads = [...text.matchAll(/"data":"([^"]*)"/g)].map(([, data]) => Buffer.from(data ?? '', 'base64'));
    const reports = payloads
      .filter((payload) => payload.includes('"outcome":') && payload.toString().startsWith('{"run":'))
      .map((payload) => JSON.parse(payload.toString()) as Report);
    const report = reports.at(-1);
    assert.ok(report, `${name} holds a report`);
    assert.equal(exitStatus(report), status, name);
    for (const format of ['text', 'md'] as const) assert.match(renderReport(report, format), /athena/, name);
    assert.match(JSON.stringify(reportJson(report, false)), new RegExp(report.run), name);
  }
});

test('recorded histories name no machine and no person', async () => {
  for (const name of await readdir(RECORDED, { recursive: true })) {
    if (!name.endsWith('.json')) continue;
    const text = await readFile(path.join(RECORDED, name), 'utf8');
    const payloads = [...text.matchAll(/"data":"([^"]*)"/g)].map(([, data]) => Buffer.from(data ?? '', 'base64'));
    const all = [text, ...payloads.map((payload) => payload.toString('utf8'))].join('\n');
    assert.doesNotMatch(all, /\/(?:root|home)\//, name);
    for (const [, machine] of all.matchAll(/"\d+@([^"]+)"/g)) assert.match(machine ?? '', /^machine/, name);
  }
});
