import type { WorkflowExecutionDescription } from '@temporalio/client';
import { childrenIn } from '../server/children.js';
import { PROGRESS } from '../../model/run/messages.js';
import { oneLine } from '../../model/text/one-line.js';
import { unprovenIn } from '../../model/run/proof.js';
import type { RunProgress } from '../../model/progress/progress.js';
import { pendingWork, remoteWaits, type PendingWork } from '../server/activities.js';
import type { Session } from '../server/connection.js';
import { stepProblem, workerBringer, workerProblem, workflowTaskProblem } from '../server/problems.js';
import type { ProgressView } from '../progress/view.js';
import { waitsForApproval } from './run-state.js';
import { targetView, unansweredTarget } from './target-view.js';

const ANSWER_MS = 3000;
/** How long the answer to "who polls?" is good for. */
const POLLERS_MS = 3000;

/** What is known of a run by looking at it; the next look builds on it. */
export interface Snapshot {
  readonly view: ProgressView;
  /** What the server says of the run: `RUNNING`, `COMPLETED`, … */
  readonly status: string;
  readonly progress: RunProgress | null;
  readonly pollers: { readonly problem: string | null; readonly at: number };
}

/**
 * Looks at a run once. The server alone is asked for the run and its children, which also works without a worker; the
 * run itself is asked only while it is open and somebody could answer: closed runs would replay old history with new code.
 * @param remedy as for `workerProblem`
 */
export async function takeSnapshot(
  session: Session,
  run: string,
  before: Snapshot | null,
  remedy: string | null = workerBringer(session, run),
): Promise<Snapshot> {
  const description = await session.client.withDeadline(Date.now() + ANSWER_MS, () =>
    session.client.workflow.getHandle(run).describe(),
  );
  const status = description.status.name;
  const open = status === 'RUNNING';
  const fresh = before !== null && Date.now() - before.pollers.at < POLLERS_MS;
  const pollers = fresh
    ? before.pollers
    : { problem: open ? await workerProblem(session, description.taskQueue, remedy) : null, at: Date.now() };
  const taskProblem = open ? await taskProblemOf(session, run, description) : null;
  // A run that waits for a child of it that is stuck can still be asked.
  const mute = taskProblem !== null && (description.raw.pendingWorkflowTask?.attempt ?? 0) > 1;
  const answered = open && pollers.problem === null && !mute ? await ask(session, run) : null;
  const progress = answered ?? before?.progress ?? null;
  const [works, hidden] = await Promise.all([
    Promise.all(verificationsIn(description).map((child) => childWork(session, child))),
    hiddenTrouble(session, description),
  ]);
  const work = new Map(works.flatMap((each) => [...each]));
  const problem = taskProblem ?? pollers.problem ?? (await stepProblemOf(session, description));
  const drawn = draw(run, progress, work, problem, description.startTime.getTime());
  const waits = drawn.doing === null ? await remoteWaits(description) : null;
  const view = {
    ...drawn,
    doing: drawn.doing === null || hidden === null ? (drawn.doing ?? waits) : `${drawn.doing} (${hidden})`,
  };
  const phase = view.phase ?? (open && waitsForApproval(description) ? 'waiting-for-approval' : null);
  return { view: { ...view, phase }, status, progress, pollers };
}

const verificationsIn = (description: WorkflowExecutionDescription): readonly string[] =>
  childrenIn(description, 'verifyCandidate');

/** What keeps builds of probes and of fixes, which are none of the run's own targets, from going on; `null` when nothing does. */
async function hiddenTrouble(session: Session, description: WorkflowExecutionDescription): Promise<string | null> {
  const ask = async (repair: string): Promise<readonly string[]> =>
    verificationsIn(
      await session.client.withDeadline(Date.now() + ANSWER_MS, () =>
        session.client.workflow.getHandle(repair).describe(),
      ),
    );
  // A child that ends at this moment has no trouble any more.
  const repairs = childrenIn(description, 'holdBack', 'fixTarget').map((repair) => ask(repair).catch(() => []));
  const works = await Promise.all((await Promise.all(repairs)).flat().map((child) => childWork(session, child)));
  for (const [name, { step, heartbeat }] of works.flatMap((work) => [...work])) {
    const trouble = step === 'build' ? (heartbeat?.trouble ?? null) : null;
    if (trouble !== null) return oneLine(`${name}: ${trouble}`, 300);
  }
  return null;
}

/** A child that ends at this moment cannot be asked any more: the next look tells. */
const taskProblemOf = (session: Session, run: string, { raw }: WorkflowExecutionDescription): Promise<string | null> =>
  session.client.withDeadline(Date.now() + ANSWER_MS, () => workflowTaskProblem(session, run, raw)).catch(() => null);

const stepProblemOf = (session: Session, { raw }: WorkflowExecutionDescription): Promise<string | null> =>
  session.client.withDeadline(Date.now() + ANSWER_MS, () => stepProblem(session, raw)).catch(() => null);

/** The run's own answer; `null` when it does not come in time. */
async function ask(session: Session, run: string): Promise<RunProgress | null> {
  try {
    const answer = await session.client.withDeadline(Date.now() + ANSWER_MS, () =>
      session.client.workflow.getHandle(run).query<RunProgress>(PROGRESS),
    );
    // Somebody else's answer would show another update than the one that lands.
    return unprovenIn(answer) === null ? answer : null;
  } catch {
    // The last answer stays; if it is the worker that is gone, the next look at the pollers says so.
    return null;
  }
}

const childWork = (session: Session, child: string): Promise<ReadonlyMap<string, PendingWork>> =>
  session.client
    .withDeadline(Date.now() + ANSWER_MS, () => pendingWork(session, child))
    .catch(() => new Map<string, PendingWork>());

function draw(
  run: string,
  progress: RunProgress | null,
  work: ReadonlyMap<string, PendingWork>,
  problem: string | null,
  startedAt: number,
): ProgressView {
  const text = (value: string | null | undefined, bytes: number): string | null =>
    value === null || value === undefined ? null : oneLine(value, bytes);
  const targets =
    progress === null || progress.targets.length === 0
      ? [...work].map(([name, each]) => unansweredTarget(name, each))
      : progress.targets.map((target) => targetView(target, work.get(target.name)));
  return {
    run,
    phase: progress?.phase ?? null,
    waitsFor: progress?.phase === 'closed' ? null : text(progress?.waitsFor, 500),
    doing: text(progress?.doing, 500),
    problem,
    base: progress?.base ?? null,
    head: progress?.head ?? null,
    moved: (progress?.moved ?? []).map((input) => ({ ...input, name: oneLine(input.name, 80) })),
    unfetched: (progress?.unfetched ?? []).map(({ name, reason }) => ({
      name: oneLine(name, 80),
      reason: oneLine(reason, 300),
    })),
    heldBack: (progress?.heldBack ?? []).map(({ input, targets: broken, reason }) => ({
      input: oneLine(input, 80),
      targets: broken.map((name) => oneLine(name, 80)),
      reason: oneLine(reason, 300),
    })),
    mended: (progress?.mended ?? []).map((name) => oneLine(name, 80)),
    targets,
    approval: progress?.approval ?? null,
    outcome: progress?.outcome ?? null,
    intent: text(progress?.intent, 500),
    startedAt,
  };
}
