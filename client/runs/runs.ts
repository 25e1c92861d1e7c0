import type { WorkflowExecutionInfo } from '@temporalio/client';
import { isPart } from '../../model/run/ids.js';
import { oneLine } from '../../model/text/one-line.js';
import type { Session } from '../server/connection.js';
import { CommandError } from '../errors.js';
import { suggest } from '../terminal/suggest.js';

const RUNS = 'WorkflowType = "updateFlake"';
/** How many runs a beginning of an id is looked for in. */
const LOOKED_AT = 1000;

/** Runs, newest first; parts of them are told of by their runs. */
export async function listRuns(session: Session, limit: number, where = ''): Promise<readonly WorkflowExecutionInfo[]> {
  const query = where === '' ? RUNS : `${RUNS} AND ${where}`;
  const found: WorkflowExecutionInfo[] = [];
  for await (const run of session.client.workflow.list({ query, pageSize: Math.min(limit, 200) })) {
    if (isPart(run.workflowId)) continue;
    found.push(run);
    if (found.length >= limit) break;
  }
  return found.sort((a, b) => b.startTime.getTime() - a.startTime.getTime());
}

export const listOpenRuns = (session: Session): Promise<readonly WorkflowExecutionInfo[]> =>
  listRuns(session, LOOKED_AT, 'ExecutionStatus = "Running"');

/** Workflow id of the run that RUN means: an id, a unique beginning of one, or `latest`. */
export async function findRun(session: Session, run: string): Promise<string> {
  if (run.trim() === '')
    throw new CommandError('RUN is empty: give a run\'s id, a unique beginning of it, or "latest".');
  if (run !== 'latest' && (await isRun(session, run))) return run;
  const runs = await listRuns(session, run === 'latest' ? 50 : LOOKED_AT);
  if (run === 'latest') {
    const [latest] = runs;
    if (latest === undefined) throw noRuns();
    return latest.workflowId;
  }
  const ids = [...new Set(runs.map(({ workflowId }) => workflowId))].filter((id) => id.startsWith(run));
  const [only] = ids;
  if (only !== undefined && ids.length === 1) return only;
  if (only !== undefined) throw new CommandError(`"${run}" is the beginning of ${ids.length} runs: ${some(ids)}.`);
  if (runs.length === 0) throw noRuns();
  throw new CommandError(
    `There is no run "${oneLine(run, 120)}". The latest are ${some(runs.map(({ workflowId }) => workflowId))}.`,
  );
}

/** The id itself, asked for directly: a run that has just started may not be listed yet. */
async function isRun(session: Session, id: string): Promise<boolean> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  try {
    return (await session.client.workflow.getHandle(id).describe()).type === 'updateFlake';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

export const queueOfRun = async (session: Session, run: string): Promise<string> =>
  (await session.client.workflow.getHandle(run).describe()).taskQueue;

/** Who started a run, as they named themselves, in one line; `null` where they gave no name. */
export async function starterOf({ client, namespace }: Session, run: string): Promise<string | null> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace,
    execution: { workflowId: run },
    maximumPageSize: 1,
  });
  const name = oneLine(history?.events?.[0]?.workflowExecutionStartedEventAttributes?.identity ?? '', 200);
  return name === '' ? null : name;
}

export const noRuns = (): CommandError =>
  new CommandError(`There are no runs yet. Start one with "${suggest('update')}".`);

const some = (ids: readonly string[]): string =>
  ids.slice(0, 8).join(', ') + (ids.length > 8 ? ` and ${ids.length - 8} more` : '');
