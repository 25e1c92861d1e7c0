import { CancellationScope, allHandlersFinished, condition, isCancellation, upsertMemo } from '@temporalio/workflow';
import type { Report } from '../model/report/data.js';
import { failureOfRun } from '../model/run/failures.js';
import type { RunOptions } from '../model/run/options.js';
import type { PartOfRun } from '../model/verify/part.js';
import { allOrCancel } from './calls/all-or-cancel.js';
import { rootCause } from './calls/failures.js';
import { takeBase } from './update/base.js';
import { bring } from './update/bring.js';
import { takeAndCompare } from './update/compare-commits.js';
import { AFTER_LANDING, AT_THE_END, takeSteps } from './update/ending.js';
import { proposeEach } from './update/each-input.js';
import type { Ended } from './update/facts.js';
import { findUpdate } from './update/find-update.js';
import { bringPart, inShort } from './update/part.js';
import { tryForge } from './update/requests.js';
import { beginRun, lookUpSearchAttributes, type Run } from './update/run.js';
import { verifyMain } from './update/verify-main.js';

/**
 * One run: update the lock, verify every target, ask if asked to, land, tell people. The report is its result; of a run
 * that failed it is the first detail of the failure, of a cancelled one it is in the memo `report`; a part always gives its report.
 * @param part what it is to do of another run's update, whose report tells of it
 */
export async function updateFlake(options: RunOptions, part?: PartOfRun): Promise<Report> {
  const run = beginRun(options, part);
  const { state } = run;
  let error: Error | null = null;
  try {
    await allOrCancel(
      () => lookUpSearchAttributes(run),
      async () => {
        state.learn(await update(run));
        await takeSteps(run, AFTER_LANDING);
      },
    );
  } catch (caught) {
    error = caught instanceof Error ? caught : new Error(String(caught));
    state.learn(
      isCancellation(caught) ? { outcome: 'cancelled' } : { outcome: 'failed', error: rootCause(caught).message },
    );
  }
  await CancellationScope.nonCancellable(() => finish(run));
  const report = state.report();
  // The run that it is a part of goes on with the others, or tells what became of all when it is cancelled with them.
  if (part !== undefined) return inShort(report);
  if (error === null) return report;
  if (report.outcome === 'cancelled') {
    upsertMemo({ report });
    throw error;
  }
  throw failureOfRun(rootCause(error), report);
}

/** From the repository to the landing, of one update or of each input's by itself. */
async function update(run: Run): Promise<Ended> {
  const { options, state, part } = run;
  if (part !== null) return await bringPart(run, part);
  if (options.compares !== undefined) return await takeAndCompare(run, options.compares);
  const taken = await takeBase(run);
  if (taken.kind === 'superseded') return { outcome: 'superseded', supersededBy: taken.by };
  const { commit, leftOut } = taken.base;
  state.learn({ base: commit, ignoredChanges: leftOut });
  if (options.verifies === true) return await verifyMain(run, commit);
  if (options.forge !== undefined) await tryForge(run, options.forge);

  const update = await findUpdate(run, commit);
  if (options.landing.perInput === true) return await proposeEach(run, update);
  return update === null ? { outcome: 'unchanged' } : await bring(run, update);
}

/** Tells people, writes the report and tidies up. */
async function finish(run: Run): Promise<void> {
  const { state } = run;
  state.phase('notifying');
  await takeSteps(run, AT_THE_END);
  state.tag('LockkeeperOutcome', state.report().outcome);
  state.show({ phase: 'closed', waitsFor: null });
  // eslint-disable-next-line temporal/workflow-condition-timeout-style -- handlers are synchronous and end at once
  await condition(allHandlersFinished);
}
