import {
  CancellationScope,
  allHandlersFinished,
  condition,
  isCancellation,
  patched,
  upsertMemo,
} from '@temporalio/workflow';
import { CARRY_OVER_LIMIT } from '../model/landing/index.js';
import type { Report } from '../model/report/data.js';
import { failureOfRun, finalFailure } from '../model/run/failures.js';
import type { RunOptions } from '../model/run/options.js';
import { allOrCancel } from './calls/all-or-cancel.js';
import { rootCause } from './calls/failures.js';
import { askApproval } from './update/ask-approval.js';
import { takeBase } from './update/base.js';
import { takeAndCompare } from './update/compare-commits.js';
import { carryOver } from './update/carry-over.js';
import { AFTER_LANDING, AT_THE_END, takeSteps } from './update/ending.js';
import type { Update } from './update/commit-update.js';
import { learnCommits } from './update/commits.js';
import type { Ended } from './update/facts.js';
import { findUpdate } from './update/find-update.js';
import { asksByRequest, followRequest, toFollow } from './update/follow-request.js';
import { keepNamedBack } from './update/keep-back.js';
import { land, type MainMoved } from './update/land.js';
import { tryForge } from './update/requests.js';
import { beginRun, lookUpSearchAttributes } from './update/run.js';
import type { Run } from './update/run.js';
import { verifyAndRepair, type Verified } from './update/verify-and-repair.js';
import { verifyMain } from './update/verify-main.js';

/**
 * One run: update the lock, verify every target, ask if asked to, land, tell people. The report is its result; of a run
 * that failed it is the first detail of the failure, of a cancelled one it is in the memo `report`.
 */
export async function updateFlake(options: RunOptions): Promise<Report> {
  const run = beginRun(options);
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
  if (error === null) return report;
  if (report.outcome === 'cancelled') {
    upsertMemo({ report });
    throw error;
  }
  throw failureOfRun(rootCause(error), report);
}

/**
 * From the repository to the landing; verifies and asks again, a bounded number of times, when main has moved meanwhile, and each
 * time that an input is held back while the run asks.
 */
async function update(run: Run): Promise<Ended> {
  const { options, state } = run;
  if (options.compares !== undefined) return await takeAndCompare(run, options.compares);
  const taken = await takeBase(run);
  if (taken.kind === 'superseded') return { outcome: 'superseded', supersededBy: taken.by };
  const { commit, leftOut } = taken.base;
  state.learn({ base: commit, ignoredChanges: leftOut });
  if (options.verifies === true) return await verifyMain(run, commit);
  if (options.forge !== undefined) await tryForge(run, options.forge);

  let proposed = await findUpdate(run, commit);
  for (let carried = 0; proposed !== null && carried <= CARRY_OVER_LIMIT;) {
    const verified = await verifyAndTell(run, proposed);
    if ('outcome' in verified) return verified;
    const landed = await askAndLand(run, verified);
    if (landed === 'held-back') {
      proposed = await keepNamedBack(run, verified.update, run.holdBackRequests.take());
      continue;
    }
    if ('outcome' in landed) return landed;
    proposed = await carryOver(run, verified, landed);
    carried += 1;
  }
  if (proposed === null) return { outcome: 'unchanged' };
  throw finalFailure(
    'MainKeepsMoving',
    `${options.repository.mainBranch} moved ${CARRY_OVER_LIMIT + 1} times while this run was verifying: run it again when the branch is quieter, or land by branch`,
  );
}

/** Beside the verification, what the inputs bring is looked up. */
async function verifyAndTell(run: Run, update: Update): Promise<Verified | Ended> {
  // Runs of earlier versions did not. replay-tested: 2026-11-29, test/replay/0.1.0
  if (!patched('commits-are-told')) return verifyAndRepair(run, update);
  const [verified] = await allOrCancel(
    () => verifyAndRepair(run, update),
    () => learnCommits(run, update.lock),
  );
  return verified;
}

/**
 * Lands an update, and asks first where the run is to ask. A pull request is what is asked about itself, unless something in it may
 * only be verified, and so only be shown to others, once it is approved.
 */
async function askAndLand(run: Run, verified: Verified): Promise<Ended | MainMoved | 'held-back'> {
  if (!asksByRequest(run)) {
    const answer = await askApproval(run, verified);
    if (answer !== 'approved') return answer;
  }
  const landed = await land(run, verified);
  const proposed = 'outcome' in landed ? toFollow(run, landed) : null;
  return proposed === null ? landed : await followRequest(run, verified, proposed);
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
