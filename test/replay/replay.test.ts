import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
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
