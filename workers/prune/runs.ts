import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { runDirectoryName } from '../../model/run/directory-name.js';

export interface ServerView {
  readonly namespace: string;
  /** When each open run began, in milliseconds since 1970. */
  readonly open: ReadonlyMap<string, number>;
  /** `unknown`: the server does not say, or may not be the one that the run is on. */
  stateOf(run: string): Promise<'open' | 'over' | 'unknown'>;
}

/**
 * @param own whether it is the server of this state directory: what it does not know is then over
 * @throws when the server does not answer
 */
export async function askServer(client: Client, own: boolean): Promise<ServerView> {
  const open = new Map<string, number>();
  const query = 'WorkflowType = "updateFlake" AND ExecutionStatus = "Running"';
  await client.withDeadline(Date.now() + ANSWER_MS, async () => {
    for await (const { workflowId, startTime } of client.workflow.list({ query }))
      open.set(runDirectoryName(workflowId), startTime.getTime());
  });
  return {
    namespace: client.options.namespace,
    open,
    stateOf: async (run) => {
      if (open.has(runDirectoryName(run))) return 'open';
      try {
        const { status } = await client.withDeadline(Date.now() + ANSWER_MS, () =>
          client.workflow.getHandle(run).describe(),
        );
        return status.name === 'RUNNING' || status.name === 'PAUSED' ? 'open' : 'over';
      } catch (error) {
        return error instanceof WorkflowNotFoundError && own ? 'over' : 'unknown';
      }
    },
  };
}

const ANSWER_MS = 5000;
