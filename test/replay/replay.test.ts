import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { BUILDING, type BuildBegan } from '../../model/run/messages.js';
import { type Report } from '../../model/report/data.js';
import { exitStatus } from '../../model/report/exit-status.js';
import { completeReport, type StoredReport } from '../../model/report/earlier.js';
import { renderReport, reportJson } from '../../model/report/render.js';
import { readHistory } from '../support/history.js';
import { withHouse } from '../support/lockkeeper.js';

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

/** An event as Temporal's command writes it. */
type RecordedEvent = Readonly<Record<string, unknown>> & { readonly eventId: string; readonly eventTime: string };

/** A history with a signal of one argument behind an event. */
function withSignal(json: string, after: number, signal: { readonly name: string; readonly argument: unknown }): string {
  const moved = json.replace(/("\w*[eE]ventId": ?")(\d+)"/g, (all, key: string, id: string) =>
    Number(id) > after && key !== '"parentInitiatedEventId": "' ? `${key}${Number(id) + 1}"` : all,
  );
  const { events } = JSON.parse(moved) as { readonly events: readonly RecordedEvent[] };
  const at = events.findIndex(({ eventId }) => Number(eventId) === after);
  const encoded = (text: string): string => Buffer.from(text).toString('base64');
  const signalled = {
    eventId: String(after + 1),
    eventTime: events[at]?.eventTime,
    eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED',
    workflowExecutionSignaledEventAttributes: {
      signalName: signal.name,
      input: {
        payloads: [{ metadata: { encoding: encoded('json/plain') }, data: encoded(JSON.stringify(signal.argument)) }],
      },
    },
  };
  return JSON.stringify({ events: [...events.slice(0, at + 1), signalled, ...events.slice(at + 1)] });
}

test('a verification goes on under this version where a builder of it has told an earlier workflow worker that it builds', async () => {
  const text = await readFile(path.join(RECORDED, '0.1.0', 'landed-verify-1.json'), 'utf8');
  const began: BuildBegan = { name: 'rhea' };
  // Behind the event that schedules its build.
  const json = JSON.parse(withSignal(text, 21, { name: BUILDING, argument: began })) as History;
  const options = { workflowBundle: { codePath: BUNDLE }, replayName: 'signalled' };
  await Worker.runReplayHistory(options, readHistory(json));
});

/** Exit status of each recorded run; its report is the result of the workflow, or the memo of a cancelled one. */
const ENDS: Readonly<Record<string, number>> = {
  'approval.json': 0,
  'cancelled.json': 1,
  'carry-over.json': 0,
  'held-back.json': 0,
  'landed.json': 0,
  'mended.json': 0,
  'superseded.json': 4,
  'superseding.json': 0,
  'worker-lost.json': 0,
};

/** By version: of `broken.json`, whose hosts are broken on main too, which 0.1.0 did not look at. */
const BROKEN: Readonly<Record<string, number>> = { '0.1.0': 1, '0.2.0': 0 };

/** The last report that a recorded history holds. */
async function recordedReport(version: string, name: string): Promise<Report> {
  const text = await readFile(path.join(RECORDED, version, name), 'utf8');
  const payloads = [...text.matchAll(/"data":"([^"]*)"/g)].map(([, data]) => Buffer.from(data ?? '', 'base64'));
  const report = payloads.findLast(
    (payload) => payload.includes('"outcome":') && payload.toString().startsWith('{"run":'),
  );
  assert.ok(report, `${name} holds no report`);
  return completeReport(JSON.parse(report.toString()) as StoredReport);
}

test('runs that earlier versions closed are still reported, in every form', async () => {
  for (const [version, broken] of Object.entries(BROKEN)) {
    for (const [name, status] of Object.entries({ ...ENDS, 'broken.json': broken })) {
      const report = await recordedReport(version, name);
      const which = `${version}/${name}`;
      assert.equal(exitStatus(report), status, which);
      for (const format of ['text', 'md'] as const) assert.match(renderReport(report, format), /athena/, which);
      assert.match(JSON.stringify(reportJson(report, false)), new RegExp(report.run), which);
    }
  }
});

test('a run that the server has forgotten is reported from the copy of this machine', async (t) => {
  const house = await withHouse(t);
  const report = await recordedReport('0.1.0', 'broken.json');
  await mkdir(house.state.reports, { recursive: true });
  await writeFile(path.join(house.state.reports, `${report.run}.json`), JSON.stringify(report));
  for (const run of [report.run, report.run.slice(0, -2)]) {
    const { stdout, stderr, exitCode } = await house.lockkeeper(['report', run, '--format', 'json']);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), reportJson(report));
  }
  const other = await house.lockkeeper(['report', 'update-other-20261121']);
  assert.equal(other.exitCode, 1);
  assert.match(other.stderr, /There are no runs yet/);
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
