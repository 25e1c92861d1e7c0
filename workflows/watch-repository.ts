import {
  ChildWorkflowFailure,
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineSignal,
  executeChild,
  isCancellation,
  patched,
  setHandler,
  sleep,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { CancelledFailure, TerminatedFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Report } from '../model/report/data.js';
import { runId } from '../model/run/ids.js';
import {
  isLookNow,
  isPauseWatch,
  LOOK_NOW,
  PAUSE_WATCH,
  SET_WATCH,
  type LookNow,
  type PauseWatch,
} from '../model/run/messages.js';
import {
  afterChange,
  afterRun,
  afterTelling,
  forgetful,
  isSameMain,
  isSetWatch,
  isToVerify,
  newWatch,
  pauseMs,
  watchMemo,
  withLoss,
  type Loss,
  type SetWatch,
  type Watch,
  type WatchedEnd,
  type WatchState,
} from '../model/watch/watch.js';
import { coordinator } from './calls/coordinator.js';
import { rootCause } from './calls/failures.js';
import { tellPeople } from './calls/tell.js';
import { updateFlake } from './update-flake.js';

const lookNow = defineSignal<[LookNow]>(LOOK_NOW);
const setWatch = defineSignal<[SetWatch]>(SET_WATCH);
const pauseWatch = defineSignal<[PauseWatch]>(PAUSE_WATCH);

/** Looks after which the history begins anew: a dozen events each, far below the server's limit. */
const LOOKS = 200;
/** Tries of one look; after them its failure is shown, and the next look is another try. */
const LOOK_TRIES = 3;
/** A forge may tell of a push before its repository shows it, so that a look which was asked for in vain is followed by one more. */
const ECHO_MS = 15_000;

/**
 * Watches the main branch of an instance that verifies it: looks at it again and again, and when asked to, and starts a run when it has
 * moved. It is open until `apply` removes it, and its history begins anew after each run and from time to time, so that a look at a
 * main that has not moved leaves nothing else behind.
 */
export async function watchRepository(start: WatchState): Promise<never> {
  let state: WatchState = { ...newWatch(start.watch), ...start };
  // In an object, because the compiler would take a variable for unchanged across an await.
  const asked = { now: state.asked };
  const learn = (next: WatchState): void => {
    const shown = watchMemo(next);
    if (JSON.stringify(shown) !== JSON.stringify(watchMemo(state))) upsertMemo(shown);
    state = next;
  };
  setHandler(lookNow, (sent) => {
    if (!isLookNow(sent) || (state.paused !== null && !sent.again)) return;
    if (sent.again) learn(forgetful(state, true));
    asked.now = true;
  });
  setHandler(setWatch, (sent) => {
    if (!isSetWatch(sent, state.watch.options.instance)) return;
    const { watch } = sent;
    asked.now ||= state.paused === null && watch.digest !== state.watch.digest;
    learn(afterChange(state, watch));
  });
  setHandler(pauseWatch, (sent) => {
    if (!isPauseWatch(sent)) return;
    const { paused } = sent;
    asked.now ||= paused === null;
    learn({ ...state, paused });
  });
  upsertMemo(watchMemo(state));

  for (let looks = 0; looks < LOOKS && !workflowInfo().continueAsNewSuggested; looks += 1) {
    const isAsked = asked.now;
    if (state.paused === null || isAsked) {
      asked.now = false;
      const commit = await newestCommit();
      const isDue = commit !== null && isToVerify(state, commit, Date.now());
      if (isDue) {
        await verify(commit);
        // The result of the run is in this history.
        break;
      }
    }
    const wait = pauseMs(state, Date.now());
    // eslint-disable-next-line temporal/workflow-condition-timeout-style -- a watcher that is paused waits until somebody resumes it
    if (wait === null) await condition(() => asked.now);
    else await condition(() => asked.now, isAsked ? Math.min(wait, ECHO_MS) : wait);
  }
  await condition(allHandlersFinished, '1 minute');
  // replay-tested: 2026-11-29, test/run/watch.test.ts
  return await continueAsNew<typeof watchRepository>({ ...state, asked: asked.now });

  /** Where main is now; `null`, and the trouble shown, when it could not be seen. */
  async function newestCommit(): Promise<string | null> {
    const { repository } = state.watch.options;
    try {
      const { seen, watch } = state;
      const { commit, lost } = await coordinator(
        `check ${repository.mainBranch} for new commits`,
        LOOK_TRIES,
      ).lookAtMain({
        repository,
        ...(seen !== null && { seen }),
      });
      const isNew = lost !== undefined;
      const untold = isNew ? withLoss(state, { lost, commit }) : state.untold;
      const told: Loss[] = [];
      for (const loss of untold)
        if ((await tellOfLoss(watch, loss)) || (isNew && !patched('losses-stay-due'))) told.push(loss);
      // What is to be watched may have become another branch meanwhile.
      const isSame = isSameMain(watch, state.watch);
      const kept = isSame ? afterTelling(untold, told) : [];
      learn({ ...state, trouble: null, missed: 0, seen: isSame ? commit : null, untold: kept });
      return commit;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const trouble = `could not look at main: ${rootCause(error).message}`;
      learn({ ...state, trouble, missed: state.missed + 1 });
      return null;
    }
  }

  /** Has main verified by a run of its own, and waits for its end: what is pushed meanwhile is seen by the next look. */
  async function verify(commit: string): Promise<void> {
    const begun = state;
    // What is asked for while the run is open is not what it does.
    learn({ ...state, again: false });
    const end = await endOf(begun, commit);
    learn(afterRun(state, begun, end, Date.now()));
  }
}

/** Says that main was force-pushed: what it lost may be what hosts run. Whether anybody has heard it. */
async function tellOfLoss(
  { options: { instance, repository, notify, timeZone } }: Watch,
  loss: Loss,
): Promise<boolean> {
  const { displayUrl, mainBranch } = repository;
  const alarm = { instance, repository: displayUrl, mainBranch, ...loss };
  const at = new Date(Date.now()).toISOString();
  return await tellPeople(notify, { event: 'lost-main', alarm, at, timeZone }, `${mainBranch} was force-pushed`);
}

async function endOf({ watch, again }: WatchState, commit: string): Promise<WatchedEnd> {
  try {
    const { base, outcome, targets } = await runOf(watch, again);
    if (outcome !== 'verified' && outcome !== 'broken')
      return { failed: commit, words: `the last run ended as ${outcome}` };
    // Channels wait for it, and nobody may push for long.
    const lacks = targets
      .flatMap(({ caches = [] }) => caches)
      .find((each) => each.required && each.outcome === 'failed');
    // Watchers of earlier versions took it for done. replay-tested: 2026-11-30, test/replay/0.2.0
    if (lacks === undefined || !patched('required-caches-are-tried-again')) return { verified: base ?? commit };
    return { failed: base ?? commit, words: `the last run could not fill ${lacks.cache}` };
  } catch (error) {
    if (isCancellation(error) && !(error instanceof ChildWorkflowFailure)) throw error;
    if (isStopped(error)) return { stopped: commit };
    return { failed: commit, words: `the last run failed: ${rootCause(error).message}` };
  }
}

/** Starts a run, which goes on when the watcher is removed. */
async function runOf({ options, run }: Watch, again: boolean): Promise<Report> {
  for (;;) {
    try {
      return await executeChild(updateFlake, {
        ...run,
        workflowId: runId(options.instance, options.repository, new Date(Date.now())),
        args: [again ? { ...options, again } : options],
        parentClosePolicy: ParentClosePolicy.ABANDON,
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      // Somebody else has started one in this very second.
      await sleep('1 second', { summary: 'wait for a free workflow id' });
    }
  }
}

/** Whether a person has ended the run: it is not started again for the same commit. */
const isStopped = (error: unknown): boolean =>
  error instanceof ChildWorkflowFailure &&
  (error.cause instanceof CancelledFailure || error.cause instanceof TerminatedFailure);
