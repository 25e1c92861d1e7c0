import { createInterface } from 'node:readline/promises';
import { APPROVE, REJECT, decisionId, type Decision } from '../../model/run/messages.js';
import { openExistingSession, type Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { takeSnapshot } from '../runs/snapshot.js';
import { message, paintFor, result, resultJson } from '../terminal/output.js';
import { frame } from '../progress/frame.js';
import type { ProgressView } from '../progress/view.js';
import { workerFor } from '../server/provide-worker.js';
import { findRun, listOpenRuns, noRuns } from '../runs/runs.js';
import { operator, sendUpdate } from '../runs/send-update.js';
import { suggest } from '../terminal/suggest.js';

export interface DecideFlags {
  readonly message?: string;
  readonly yes?: true;
}

/** `lockkeeper approve RUN` and `lockkeeper reject RUN`: shows what is decided on, then sends the decision on that commit. */
export async function decide(
  context: CommandContext,
  kind: 'approve' | 'reject',
  name: string,
  flags: DecideFlags,
): Promise<number> {
  const session = await openExistingSession(context, kind);
  if (session === null) throw noRuns();
  try {
    // The run's validator must answer, so somebody has to work on it.
    const open = name === 'latest' ? await openRuns(session) : [await findRun(session, name)];
    for (const each of open) if (await workerFor(context.state, session, each)) break;
    const { run, view, approval } = await waitingRun(session, name, open);
    const { commit, about } = approval;
    show(view, approval);
    if (!(await confirmed(kind, flags))) {
      message('Nothing was sent.');
      return 1;
    }
    const update = kind === 'approve' ? APPROVE : REJECT;
    const decision: Decision = {
      ...{ by: operator(), commit, comment: flags.message ?? null, decision: update },
      ...(about && { about }),
    };
    await sendUpdate(session, run, {
      name: update,
      id: decisionId(kind, decision),
      argument: decision,
    });
    const done = kind === 'approve' ? 'Approved' : 'Rejected';
    if (context.json) resultJson({ run, decision: kind === 'approve' ? 'approved' : 'rejected', commit });
    else result(`${done} ${commit.slice(0, 12)} of ${run}. Follow it with "${suggest('watch', run)}".`);
    return 0;
  } finally {
    await session.close();
  }
}

const openRuns = async (session: Session): Promise<readonly string[]> =>
  (await listOpenRuns(session)).map(({ workflowId }) => workflowId);

interface WaitingRun {
  readonly run: string;
  readonly view: ProgressView;
  readonly approval: Asked;
}

type Asked = NonNullable<ProgressView['approval']>;

/** The run that is decided on, of those that may be meant. `latest` means the only one that waits. */
async function waitingRun(session: Session, name: string, runs: readonly string[]): Promise<WaitingRun> {
  const looks = await Promise.all(runs.map((run) => waiting(session, run)));
  const found = looks.filter((each) => typeof each !== 'string');
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const why = name === 'latest' ? undefined : looks.find((each) => typeof each === 'string');
  if (only === undefined) throw new CommandError(why ?? 'No run is waiting for approval.');
  throw new CommandError(
    `${found.length} runs are waiting for approval: name one of ${found.map(({ run }) => run).join(', ')}.`,
  );
}

/** The run if it waits, else why it cannot be decided on. */
async function waiting(session: Session, run: string): Promise<WaitingRun | string> {
  const { view, status } = await takeSnapshot(session, run, null);
  if (status !== 'RUNNING') return `The run ${run} is over: see "${suggest('report', run)}".`;
  if (view.approval !== null) return { run, view, approval: view.approval };
  if (view.problem !== null) return `The run ${run} cannot be asked: ${view.problem}.`;
  return `The run ${run} is not waiting for approval${view.phase === null ? '' : ` (it is ${view.phase})`}.`;
}

function show(view: ProgressView, { commit, about }: Asked): void {
  const style = paintFor(process.stderr);
  const size = { columns: process.stderr.columns || 160, rows: 40 };
  message(frame({ ...view, waitsFor: null }, size, { paint: style, tick: 0, now: Date.now() }).join('\n'));
  message('');
  if (about === 'builds') message(`  ${view.waitsFor ?? ''}`);
  else if (view.intent !== null) message(`  ${view.intent}`);
  message(`  commit ${style.bold(commit)}`);
}

/** Asks only a person: a program that is at the other end has decided already. */
async function confirmed(kind: 'approve' | 'reject', flags: DecideFlags): Promise<boolean> {
  if (flags.yes === true || !process.stdin.isTTY || !process.stderr.isTTY) return true;
  const questions = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await questions.question(`${kind === 'approve' ? 'Approve' : 'Reject'} this commit? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    questions.close();
  }
}
