import type { WorkflowExecutionInfo } from '@temporalio/client';
import { GIVES_WAY_MEMO } from '../../model/run/messages.js';
import type { RunOptions } from '../../model/run/options.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { formatSeconds } from '../../model/text/text.js';
import type { Session } from '../server/connection.js';
import { message } from '../terminal/output.js';
import { runState } from './run-state.js';
import { listOpenRuns } from './runs.js';
import { sameUpdateDigest } from '../options/same-update.js';
import { startUnless, type Started } from './start-run.js';

type OpenRun = Pick<WorkflowExecutionInfo, 'workflowId' | 'memo' | 'status' | 'typedSearchAttributes'>;

export interface InLine {
  /** Whether an open run of the instance is taken up also when it was asked other things: `overlap = "skip"`. */
  readonly skips: boolean;
  /** Called before a new run starts. */
  readonly announce: () => Promise<void>;
}

/**
 * Finds an open run of this very update, or starts one, which waits its turn when another update holds the repository. A run that
 * waits for approval and would give way to this one is no such run. Which run stands in the way is said before this one starts.
 */
export async function startInLine(
  state: StateDirectory,
  session: Session,
  options: RunOptions,
  { skips, announce }: InLine,
): Promise<Started> {
  let open: readonly OpenRun[] = [];
  const started = await startUnless(
    state,
    async (digest) => {
      open = await runsOfRepository(session, options);
      const same = open.find(({ memo }) => memo?.optionsDigest === digest && memo[GIVES_WAY_MEMO] !== true);
      const skipped = skips ? open.find(({ memo }) => memo?.instance === options.instance) : undefined;
      return (same ?? skipped)?.workflowId ?? null;
    },
    session,
    options,
    async () => {
      await announce();
      if (open.length > 0) message(place(open, options));
    },
  );
  if (!started.isNew) message(await whyNone(session, options, started.run));
  return started;
}

/** The open runs that have, or will want, the repository; the oldest first. */
const runsOfRepository = async (session: Session, { lockWorkflowId }: RunOptions): Promise<readonly OpenRun[]> =>
  (await listOpenRuns(session)).filter(({ memo }) => memo?.repositoryLock === lockWorkflowId).reverse();

/** What becomes of a new run beside those that are open. */
function place(open: readonly OpenRun[], options: RunOptions): string {
  const isOurs = ({ memo }: OpenRun): boolean => memo?.instance === options.instance;
  const superseded = open.find((run) => isOurs(run) && run.memo?.[GIVES_WAY_MEMO] === true);
  if (options.supersedes === true && superseded !== undefined)
    return `It takes the place of ${superseded.workflowId}, which waits for approval.`;
  const [first] = open;
  const more = open.length > 1 ? ` and ${open.length - 1} more` : '';
  const until =
    options.supersedes === true && first !== undefined && isOurs(first)
      ? 'until that ends or gives way'
      : `for at most ${formatSeconds(options.repositoryWaitSeconds)} before it fails`;
  return `It waits its turn behind ${first === undefined ? 'another run' : withState(first)}${more}, ${until}.`;
}

async function whyNone(session: Session, options: RunOptions, run: string): Promise<string> {
  const found = await session.client.workflow.getHandle(run).describe();
  if (found.memo?.optionsDigest === sameUpdateDigest(options))
    return `No new run: ${withState(found)} does this very update already.`;
  const { optionsSummary } = found.memo ?? {};
  const asked = typeof optionsSummary === 'string' ? `; it was asked: ${optionsSummary}` : '';
  return `Skipped (overlap = "skip"): ${withState(found)} of this instance is open${asked}.`;
}

const withState = (run: OpenRun): string => `${run.workflowId} (${runState(run)})`;
