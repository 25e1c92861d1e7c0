import {
  ChildWorkflowFailure,
  ParentClosePolicy,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineSignal,
  executeChild,
  isCancellation,
  setHandler,
  sleep,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { CancelledFailure, TerminatedFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Report } from '../model/report/data.js';
import { runId } from '../model/run/ids.js';
import { LOOK_NOW, PAUSE_WATCH, SET_WATCH, type LookNow, type PauseWatch } from '../model/run/messages.js';
import {
  afterChange,
  afterFailure,
  forgetful,
  isToVerify,
  watchMemo,
  type Watch,
  type WatchState,
} from '../model/watch/watch.js';
import { coordinator } from './calls/coordinator.js';
import { rootCause } from './calls/failures.js';
import { updateFlake } from './update-flake.js';

const lookNow = defineSignal<[LookNow]>(LOOK_NOW);
const setWatch = defineSignal<[Watch]>(SET_WATCH);
const pauseWatch = defineSignal<[PauseWatch]>(PAUSE_WATCH);

/** Looks after which the history begins anew: a dozen events each, far below the server's limit. */
const LOOKS = 200;
/** Tries of one look; after them its failure is shown, and the next look is another try. */
const LOOK_TRIES = 3;

/**
 * Watches the main branch of an instance that verifies it: looks at it again and again, and when asked to, and starts a run when it has
 * moved. It is open until `apply` removes it, and its history begins anew after each run and from time to time, so that a look at a
 * main that has not moved leaves nothing else behind.
 */
export async function watchRepository(start: WatchState): Promise<never> {
  let state = start;
  // In an object, because the compiler would take a variable for unchanged across an await.
  const asked = { now: false };
  const learn = (next: WatchState): void => {
    const shown = watchMemo(next);
    if (JSON.stringify(shown) !== JSON.stringify(watchMemo(state))) upsertMemo(shown);
    state = next;
  };
  setHandler(lookNow, ({ again }) => {
    if (state.paused !== null && !again) return;
    if (again) learn(forgetful(state, true));
    asked.now = true;
  });
  setHandler(setWatch, (watch) => {
    asked.now ||= state.paused === null && watch.digest !== state.watch.digest;
    learn(afterChange(state, watch));
  });
  setHandler(pauseWatch, ({ paused }) => {
    asked.now ||= paused === null;
    learn({ ...state, paused });
  });
  upsertMemo(watchMemo(state));

  for (let looks = 0; looks < LOOKS && !workflowInfo().continueAsNewSuggested; looks += 1) {
    if (state.paused === null || asked.now) {
      asked.now = false;
      const commit = await look();
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
    else await condition(() => asked.now, wait);
  }
  await condition(allHandlersFinished, '1 minute');
  // replay-tested: 2026-11-29, test/run/watch.test.ts
  return await continueAsNew<typeof watchRepository>(state);

  /** Where main is now; `null`, and the trouble shown, when it could not be seen. */
  async function look(): Promise<string | null> {
    const { repository } = state.watch.options;
    try {
      const { commit } = await coordinator(`look at ${repository.mainBranch}`, LOOK_TRIES).lookAtMain({ repository });
      learn({ ...state, trouble: null });
      return commit;
    } catch (error) {
      if (isCancellation(error)) throw error;
      learn({ ...state, trouble: `could not look at main: ${rootCause(error).message}` });
      return null;
    }
  }

  /** Has main verified by a run of its own, and waits for its end: what is pushed meanwhile is seen by the next look. */
  async function verify(commit: string): Promise<void> {
    // What changes while the run is open is not what it was asked for.
    const { watch, again } = state;
    const keep = (next: WatchState): void => {
      learn(state.watch.digest === watch.digest ? next : forgetful(state, state.again));
    };
    try {
      const { base, outcome } = await runOf(watch, again);
      const told = outcome === 'verified' || outcome === 'broken';
      const next = { ...state, verified: base ?? commit, failed: null, again: false };
      keep(told ? next : afterFailure(state, commit, `the last run ended as ${outcome}`, Date.now()));
    } catch (error) {
      if (isCancellation(error) && !(error instanceof ChildWorkflowFailure)) throw error;
      if (isStopped(error)) keep({ ...state, verified: commit, failed: null });
      else keep(afterFailure(state, commit, `the last run failed: ${rootCause(error).message}`, Date.now()));
    }
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
      await sleep('1 second', { summary: 'take another id' });
    }
  }
}

/** Whether a person has ended the run: it is not started again for the same commit. */
const isStopped = (error: unknown): boolean =>
  error instanceof ChildWorkflowFailure &&
  (error.cause instanceof CancelledFailure || error.cause instanceof TerminatedFailure);

/** How long to wait for the next look, in milliseconds; `null`: until somebody asks. */
function pauseMs({ watch, failed, paused }: WatchState, now: number): number | null {
  if (paused !== null) return null;
  const poll = watch.pollSeconds * 1000;
  return failed === null ? poll : Math.min(poll, Math.max(failed.retryAt - now, 1000));
}
