import type { Client } from '@temporalio/client';
import { repositoryName, type HookEvent } from '../../model/hooks/event.js';
import { LOOK_NOW, type LookNow } from '../../model/run/messages.js';
import { asShown } from '../../model/run/proof.js';

/** What became of an event: somebody was told, nobody waits for it at this moment, or nobody has ever had to do with its repository. */
export type Delivery = 'told' | 'nobody' | 'unknown';

const OPEN = 'ExecutionStatus = "Running"';
const RUNS = 'WorkflowType = "updateFlake"';
const WATCHERS = 'WorkflowType = "watchRepository"';
/** Among how many of the latest runs a repository is looked for that nobody waits for now. */
const LATEST = 500;
const LIMIT_MS = 4000;

/** Tells all workflows that wait for a repository to look at it now, and does nothing else. Fails when the server does not answer. */
export const deliver = (client: Client, event: HookEvent): Promise<Delivery> =>
  client.withDeadline(Date.now() + LIMIT_MS, async () => {
    const isMeant = (memo: Readonly<Record<string, unknown>> | undefined): boolean => {
      const address = asShown(memo?.repository);
      const name = typeof address === 'string' ? repositoryName(address) : null;
      return name !== null && event.repositories.includes(name);
    };
    let known = false;
    const wait: string[] = [];
    for (const query of [`${WATCHERS} AND ${OPEN}`, `${RUNS} AND ${OPEN}`])
      for await (const { workflowId, memo } of client.workflow.list({ query, pageSize: 500 })) {
        if (!isMeant(memo)) continue;
        known = true;
        const main = asShown(memo?.mainBranch);
        if (event.branch === null || typeof main !== 'string' || main === event.branch) wait.push(workflowId);
      }
    await Promise.all(wait.map((workflowId) => tell(client, workflowId)));
    if (wait.length > 0) return 'told';
    if (known) return 'nobody';
    let looked = 0;
    for await (const { memo } of client.workflow.list({ query: RUNS, pageSize: LATEST })) {
      if (isMeant(memo)) return 'nobody';
      looked += 1;
      if (looked === LATEST) break;
    }
    return 'unknown';
  });

/** A waiting command that has ended meanwhile needs no message. */
async function tell(client: Client, workflowId: string): Promise<void> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  try {
    await client.workflow.getHandle(workflowId).signal<[LookNow]>(LOOK_NOW, { about: LOOK_NOW, again: false });
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
