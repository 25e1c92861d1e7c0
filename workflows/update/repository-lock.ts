import {
  CancellationScope,
  ParentClosePolicy,
  condition,
  patched,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { finalFailure } from '../../model/run/failures.js';
import type { Way } from '../../model/contract/landing.js';
import type { WholeOptions } from '../../model/run/earlier.js';
import { coordinator } from '../calls/coordinator.js';
import { holdRepository } from '../hold-repository.js';
import type { RunState } from './run-state.js';
import { UNNEEDED_TRIES, goOnWithout } from '../calls/unneeded.js';

/** Longest pause between two tries, in seconds. */
const LONGEST_PAUSE = 15;
/** The same behind a run of one's own instance, which may build for hours before it gives way. */
const LONGEST_PAUSE_BEHIND_OWN = 60;

/** How long a run waits at its end until its lock has ended. The server ends it with the run otherwise. */
const RELEASE = '5 seconds';

export interface RepositoryLock {
  /**
   * Takes the repository for this run. While another run holds it, says who does and tries again until the deadline; then fails
   * as `RepositoryBusy`. The server gives the repository back however this run ends.
   */
  readonly take: () => Promise<Taken>;
  /** Gives the repository back, if this run has it. */
  readonly release: () => Promise<void>;
}

/** `by`: the newer run of the instance that this one gives way to, without the repository. */
export type Taken =
  { readonly kind: 'taken'; readonly waited: boolean } | { readonly kind: 'superseded'; readonly by: string };

export function openRepositoryLock(options: WholeOptions, state: RunState): RepositoryLock {
  let holder: Holder | null = null;
  const take = async (): Promise<boolean> => {
    holder = await startHolder(options);
    return holder !== null;
  };
  return {
    take: async () => {
      const waiting = shownWaiting(state);
      try {
        return await waitForRepository(options, state, { take, begin: waiting.begin });
      } finally {
        waiting.end();
      }
    },
    release: async () => {
      // Runs of 0.1.0 left that to the server. replay-tested: 2026-11-29, test/replay/0.1.0
      if (holder === null || !patched('repository-is-given-back')) return;
      const { end, hasEnded } = holder;
      end();
      await condition(hasEnded, RELEASE, { summary: 'wait until the repository is unlocked' });
    },
  };
}

/** Shows in lists of runs that this one waits for the repository, once it does. */
function shownWaiting(state: RunState): { readonly begin: () => void; readonly end: () => void } {
  let shown = false;
  return {
    begin: () => {
      // Runs of earlier versions waited without a word. replay-tested: 2026-11-25, test/replay/0.1.0
      if (shown || !patched('lists-show-that-it-waits')) return;
      shown = true;
      state.tag('LockkeeperWaiting', 'repository');
    },
    end: () => {
      if (shown) state.tag('LockkeeperWaiting', 'no');
    },
  };
}

async function waitForRepository(
  options: WholeOptions,
  state: RunState,
  { take, begin }: { readonly take: () => Promise<boolean>; readonly begin: () => void },
): Promise<Taken> {
  let waited = 0;
  let gaveWay: string | null = null;
  let behindOwn = false;
  for (let pause = 1, first = true; ; first = false) {
    let way: Way | null = null;
    try {
      if (options.supersedes) way = await supersede(options);
    } catch (error) {
      goOnWithout('newer and older runs of the instance', error);
    }
    if (way?.kind === 'superseded') return way;
    if (await take()) return { kind: 'taken', waited: !first || options.supersedes };
    let holder = way?.holder ?? null;
    try {
      holder ??= await coordinator('find the run that has locked the repository', UNNEEDED_TRIES).whoHolds({
        lockWorkflowId: options.lockWorkflowId,
        run: workflowInfo().workflowId,
      });
    } catch (error) {
      goOnWithout('the run that has locked the repository', error);
    }
    holder ??= 'another run';
    const where = options.repository.displayUrl;
    if (waited >= options.repositoryWaitSeconds)
      throw finalFailure(
        'RepositoryBusy',
        `${where} is held by ${holder}, and was not released within ${options.repositoryWaitSeconds} seconds: wait for it ("lockkeeper watch ${holder}") or end it ("lockkeeper cancel ${holder}")`,
      );
    state.phase('waiting-for-repository', `${where} is held by ${holder}`);
    begin();
    behindOwn = way?.sameInstance ?? behindOwn;
    // It ends by itself: only waiting for others has a limit.
    if (!behindOwn) waited += pause;
    if (way?.givesWay === true && gaveWay !== holder) {
      gaveWay = holder;
      pause = 1;
    }
    await sleep(pause * 1000, { summary: `repository locked by ${holder}` });
    pause = Math.min(pause * 2, behindOwn ? LONGEST_PAUSE_BEHIND_OWN : LONGEST_PAUSE);
  }
}

const supersede = ({ instance, lockWorkflowId }: WholeOptions) =>
  coordinator('find newer and older runs of the instance', UNNEEDED_TRIES).makeWay({
    run: workflowInfo().workflowId,
    instance,
    lockWorkflowId,
  });

/** The workflow that holds the repository for this run. */
interface Holder {
  readonly end: () => void;
  readonly hasEnded: () => boolean;
}

/** `null` when another run has the repository. */
async function startHolder(options: WholeOptions): Promise<Holder | null> {
  const { workflowId, memo } = workflowInfo();
  const scope = new CancellationScope();
  try {
    const child = await scope.run(() =>
      startChild(holdRepository, {
        workflowId: options.lockWorkflowId,
        parentClosePolicy: ParentClosePolicy.TERMINATE,
        memo: { run: workflowId, optionsDigest: memo?.optionsDigest ?? null },
        staticSummary: `locked by ${workflowId}`,
      }),
    );
    let ended = false;
    const over = (): void => {
      ended = true;
    };
    child.result().then(over, over);
    return {
      end: () => {
        scope.cancel();
      },
      hasEnded: () => ended,
    };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return null;
  }
}
