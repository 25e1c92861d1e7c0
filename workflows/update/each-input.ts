import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  TemporalFailure,
  isCancellation,
  startChild,
} from '@temporalio/workflow';
import { partsOf, type Part } from '../../model/landing/parts.js';
import type { Report } from '../../model/report/data.js';
import { foundBy, lostPart, partsOutcome, partsProblem, reportedPart, type Lost } from '../../model/report/parts.js';
import { finalFailure } from '../../model/run/failures.js';
import { partId } from '../../model/run/ids.js';
import type { RunOptions } from '../../model/run/options.js';
import type { PartOfRun } from '../../model/verify/part.js';
import { without } from '../../model/run/without.js';
import { nameList } from '../../model/report/words.js';
import { coordinator } from '../calls/coordinator.js';
import { rootCause } from '../calls/failures.js';
import { semaphore } from '../calls/semaphore.js';
import type { Update } from './commit-update.js';
import type { Ended } from './facts.js';
import { closeRequests } from './requests.js';
import type { Run } from './run.js';

/** Parts that are verified side by side: what several of them need is built once. */
const AT_ONCE = 4;

type RunPart = (options: RunOptions, part: PartOfRun) => Promise<Report>;

/**
 * Gives each input that moves, or each group of them, to a run of its own: a child that verifies and proposes it by itself. What
 * breaks one stops none of the others.
 */
export async function proposeEach(run: Run, update: Update | null): Promise<Ended> {
  if (update === null) return { outcome: 'unchanged', parts: [] };
  const { state, options } = run;
  const moved = update.lock.moved;
  state.learn({ moved });
  const groups = await coordinator('see which inputs move only together').groupInputs({
    ...{ repository: options.repository, candidate: update.lock.draft, moved: moved.map(({ name }) => name) },
  });
  const parts = partsOf(groups, options.inputGroups, options.landing.branch ?? '');
  state.phase('proposing');
  const ended = await bringAll(run, update, parts);
  const reported = learn(run, update, ended);
  // Requests that were opened before it was cancelled are in its report.
  const scope = CancellationScope.current();
  if (scope.consideredCancelled) await scope.cancelRequested;
  const problem = partsProblem(reported);
  if (problem !== null) {
    // What follows a landing does not follow a failure, and the other requests have nothing to do with it.
    state.learn(await closeRequests(run));
    throw finalFailure('RequestsFailed', problem);
  }
  return { outcome: partsOutcome(reported) };
}

/** A part, and its report, or why it has none. */
interface EndedPart {
  readonly part: Part;
  readonly end: Report | Lost;
}

/** Puts what the parts have found into the report of the run, and gives what that says of each. */
function learn(run: Run, update: Update, ended: readonly EndedPart[]) {
  const parts = ended.map(({ part, end }) =>
    'lost' in end ? lostPart(part.inputs, idOf(run, part), end) : reportedPart(part.inputs, end),
  );
  const found = foundBy(ended.flatMap(({ end }) => ('lost' in end ? [] : [end])));
  run.state.learn({
    ...found,
    heldBack: [...update.heldBack, ...found.heldBack],
    moved: update.lock.moved.filter(({ name }) => !found.heldBack.some(({ input }) => input === name)),
    parts,
  });
  return parts;
}

/** Some parts at a time, in their order; those are left out that had not begun when the run was cancelled. */
async function bringAll(run: Run, update: Update, parts: readonly Part[]): Promise<readonly EndedPart[]> {
  const slot = semaphore(AT_ONCE);
  const open = new Set<Part>();
  const show = (): void => {
    const names = nameList([...open].map(({ inputs }) => inputs.join(' and ')));
    run.state.show({ doing: `${parts.length} requests; under way: ${names}` });
  };
  const all = parts.map((part) =>
    slot(async () => {
      open.add(part);
      show();
      try {
        return { part, end: await endOf(run, update, part) };
      } finally {
        open.delete(part);
        show();
      }
    }),
  );
  // What is cancelled is waited for: each part tidies up.
  await Promise.allSettled(all);
  return (await Promise.all(all)).flatMap(({ part, end }) => (end === null ? [] : [{ part, end }]));
}

/** @returns `null` when the run was cancelled before the part had a report */
async function endOf(run: Run, update: Update, part: Part): Promise<Report | Lost | null> {
  try {
    const child = await startChild<RunPart>('updateFlake', started(run, update, part));
    return await child.result();
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) return null;
    // Somebody has ended this part alone.
    if (isCancellation(error)) return { lost: 'cancelled', error: 'it was cancelled' };
    if (error instanceof TemporalFailure) return { lost: 'failed', error: rootCause(error).message };
    throw error;
  }
}

const idOf = (run: Run, { branch }: Part): string =>
  partId(run.id, branch.slice((run.options.landing.branch ?? '').length + 1));

function started(run: Run, { lock, targets }: Update, part: Part) {
  const { required, notAsked, ignoredNixConfig } = run.state.facts();
  const given: PartOfRun = {
    ...{ run: run.id, candidate: lock.draft, move: part.inputs, targets, required, notAsked, ignoredNixConfig },
  };
  return {
    workflowId: idOf(run, part),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    // Webhooks find it by that.
    memo: { repository: run.options.repository.displayUrl },
    staticSummary: `${part.inputs.join(', ')} for ${run.id}`.slice(0, 200),
    args: [optionsOf(run, part), given] as [RunOptions, PartOfRun],
  };
}

/** The run tells people, counts failures and makes the site; a part writes its report. */
function optionsOf({ options }: Run, { branch }: Part): RunOptions {
  return {
    ...without(options, 'failureLimit', 'siteDir'),
    landing: { ...without(options.landing, 'perInput'), branch },
    notify: { ntfy: null, inboxOrg: null },
  };
}
