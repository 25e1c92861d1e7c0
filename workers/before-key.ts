import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { payloadDigest } from '../host/payload-proof.js';
import type { StateDirectory } from '../model/machine/state-directory.js';
import { createWhole, readJson } from '../host/files.js';

/**
 * What the open runs of an embedded server held when its first key was made, by earlier versions that proved nothing: these runs go
 * on. It is written down once, before any worker asks for work; content that comes later needs a proof, also in these runs.
 */
export async function acceptedBeforeKey(client: Client, state: StateDirectory): Promise<ReadonlySet<string>> {
  const known = await readJson<readonly string[]>(state.beforeKey);
  if (known !== null) return new Set(known);
  const digests = new Set<string>();
  for await (const { workflowId, runId } of client.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    for (const event of events ?? [])
      for (const id of new Set([workflowId, ...otherWorkflows(event)]))
        for (const payload of payloadsIn(event)) digests.add(payloadDigest(id, payload));
  }
  await createWhole(state.beforeKey, `${JSON.stringify([...digests])}\n`, { synced: true });
  return digests;
}

/** Children that an event is about: what they are given and give is kept in the history of their parent too. */
function otherWorkflows(event: object): readonly string[] {
  const ids: string[] = [];
  walk(event, (found) => {
    if (typeof found.workflowId === 'string') ids.push(found.workflowId);
  });
  return ids;
}

function payloadsIn(event: object): readonly Payload[] {
  const payloads: Payload[] = [];
  walk(event, (found) => {
    if (typeof found.metadata === 'object' && found.metadata !== null && 'encoding' in found.metadata)
      payloads.push(found);
  });
  return payloads;
}

type Fields = Readonly<Record<string, unknown>>;

function walk(value: unknown, see: (found: Fields) => void): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  see(value as Fields);
  for (const each of Object.values(value)) walk(each, see);
}
