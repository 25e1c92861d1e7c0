import { createInterface } from 'node:readline/promises';
import { APPROVE, REJECT, decisionId, type Decision } from '../../model/messages.js';
import { openExistingSession, type Session } from '../connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { followRun } from '../follow-run.js';
import { look } from '../look.js';
import { message, paintFor, result, resultJson } from '../output.js';
import { frame } from '../progress/frame.js';
import type { ProgressView } from '../progress/view.js';
import { findRun, listOpenRuns, noRuns } from '../runs.js';
import { operator, sendUpdate } from '../send-update.js';
import { workerFor } from '../worker.js';
import { typed } from '../typed.js';

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
    const named = name === 'latest' ? null : await findRun(session, name);
    const worker = await workerFor(context.state, session, named);
    const { run, view, commit } = await waitingRun(session, name);
    show(view, commit);
    if (!(await confirmed(kind, flags))) {
      message('Nothing was sent.');
      return 1;
    }
    const decision: Decision = { by: operator(), commit, comment: flags.message ?? null };
    await sendUpdate(session, run, {
      name: kind === 'approve' ? APPROVE : REJECT,
      id: decisionId(kind, commit),
      argument: decision,
    });
    const done = kind === 'approve' ? 'Approved' : 'Rejected';
    if (worker?.own === true) {
      // The worker ends with this command, and the run needs it to go on.
      message(`${done} ${commit.slice(0, 12)}.`);
      const status = await followRun(context, session, run, typed('watch', run));
      return kind === 'reject' && status === 4 ? 0 : status;
    }
    if (context.json) resultJson({ run, decision: kind === 'approve' ? 'approved' : 'rejected', commit });
    else result(`${done} ${commit.slice(0, 12)} of ${run}. Follow it with "${typed('watch', run)}".`);
    return 0;
  } finally {
    await session.close();
  }
}

interface WaitingRun {
  readonly run: string;
  readonly view: ProgressView;
  readonly commit: string;
}

/** The run that is decided on. `latest` means the only one that waits. */
async function waitingRun(session: Session, name: string): Promise<WaitingRun> {
  if (name !== 'latest') {
    const run = await findRun(session, name);
    const found = await waiting(session, run);
    if (typeof found !== 'string') return found;
    throw new CommandError(found);
  }
  const open = await listOpenRuns(session);
  const looks = await Promise.all(open.map(({ workflowId }) => waiting(session, workflowId)));
  const found = looks.filter((each) => typeof each !== 'string');
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  if (only === undefined) throw new CommandError('No run is waiting for approval.');
  throw new CommandError(
    `${found.length} runs are waiting for approval: name one of ${found.map(({ run }) => run).join(', ')}.`,
  );
}

/** The run if it waits, else why it cannot be decided on. */
async function waiting(session: Session, run: string): Promise<WaitingRun | string> {
  const { view, status } = await look(session, run, null);
  if (status !== 'RUNNING') return `The run ${run} is over: see "${typed('report', run)}".`;
  if (view.approval !== null) return { run, view, commit: view.approval.commit };
  if (view.problem !== null) return `The run ${run} cannot be asked: ${view.problem}.`;
  return `The run ${run} is not waiting for approval${view.phase === null ? '' : ` (it is ${view.phase})`}.`;
}

function show(view: ProgressView, commit: string): void {
  const style = paintFor(process.stderr);
  const size = { columns: process.stderr.columns || 160, rows: 40 };
  message(frame({ ...view, waitsFor: null }, size, { paint: style, tick: 0, now: Date.now() }).join('\n'));
  message('');
  if (view.intent !== null) message(`  ${view.intent}`);
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
