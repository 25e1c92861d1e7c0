import { watcherId } from '../run/ids.js';
import { userOf } from '../run/queues.js';
import type { RunOptions } from '../run/options.js';

/** What a watcher is to do: look at the main branch of a repository again and again, and have it verified when it has moved. */
export interface Watch {
  /** Name of the configuration, which alone may change or end the watcher. */
  readonly lockkeeper: string;
  /** How long it waits between two looks, in seconds. */
  readonly pollSeconds: number;
  /** What a run is asked to do. */
  readonly options: RunOptions;
  /** How others find a run, and what the Temporal UI shows of it. */
  readonly run: { readonly memo: Readonly<Record<string, unknown>>; readonly staticSummary: string };
  /** Of all that is above, to tell whether something has changed. */
  readonly digest: string;
}

/** A run that ended without a verdict about main. */
export interface FailedLook {
  readonly commit: string;
  /** How many runs in a row failed. */
  readonly runs: number;
  /** When the next one is due: milliseconds since 1970. */
  readonly retryAt: number;
  /** What the last one failed by, in words. */
  readonly words: string;
}

/** The argument of the open workflow `watchRepository`, one for each instance: what it is to do, and what it knows. */
export interface WatchState {
  readonly watch: Watch;
  /** Commit of main that was verified last; `null` when none was, or has to be again. */
  readonly verified: string | null;
  readonly failed: FailedLook | null;
  /** Whether the next run takes nothing for known: somebody asked for it, or asked for other settings of Nix. */
  readonly again: boolean;
  /** Why it does not look; `null` when it does. */
  readonly paused: string | null;
  /** Why main could not be looked at the last time; `null` when it could. */
  readonly trouble: string | null;
}

/** Longest pause between two runs that fail, in seconds. */
const LONGEST_RETRY_SECONDS = 6 * 3600;

export const newWatch = (watch: Watch): WatchState => ({
  watch,
  verified: null,
  failed: null,
  again: false,
  paused: null,
  trouble: null,
});

/** The state of a watcher that is to do something else from now on: main is verified for it, though it may not have moved. */
export const afterChange = (state: WatchState, watch: Watch): WatchState =>
  watch.digest === state.watch.digest
    ? state
    : { ...forgetful(state, state.again || settingsOf(watch) !== settingsOf(state.watch)), watch };

/** The state of a watcher that is to verify main, whether it knows the commit or not. */
export const forgetful = (state: WatchState, again: boolean): WatchState => ({
  ...state,
  verified: null,
  failed: null,
  again,
});

const settingsOf = ({ options }: Watch): string => JSON.stringify(options.nix);

/** Whether a commit of main is to be verified now. */
export const isToVerify = ({ verified, failed }: WatchState, commit: string, now: number): boolean =>
  commit !== verified && (failed?.commit !== commit || failed.retryAt <= now);

/** The state after a run that failed: it is tried again, with growing pauses. */
export function afterFailure(state: WatchState, commit: string, words: string, now: number): WatchState {
  const runs = (state.failed?.commit === commit ? state.failed.runs : 0) + 1;
  const pause = Math.min(state.watch.pollSeconds * 2 ** (runs - 1), LONGEST_RETRY_SECONDS);
  return { ...state, failed: { commit, runs, retryAt: now + pause * 1000, words } };
}

/** How a watcher is begun, on the queue of the workers that do the runs of its instance. */
export const watchStart = (state: WatchState, taskQueue: string) => ({
  workflowId: watcherId(state.watch.options.instance, userOf(taskQueue)),
  taskQueue,
  args: [state] as const,
  memo: watchMemo(state),
  staticSummary: `watch ${state.watch.options.repository.displayUrl}`.slice(0, 200),
});

/** What the memo of a watcher shows, so that it can be read without a worker. */
export const watchMemo = ({ watch, verified, failed, paused, trouble }: WatchState): Record<string, unknown> => ({
  lockkeeper: watch.lockkeeper,
  instance: watch.options.instance,
  repository: watch.options.repository.displayUrl,
  mainBranch: watch.options.repository.mainBranch,
  pollSeconds: watch.pollSeconds,
  digest: watch.digest,
  ...{ verified, paused, trouble: trouble ?? failed?.words ?? null },
});

/** A watcher, as its memo shows it. */
export interface ShownWatch {
  readonly lockkeeper: string;
  readonly instance: string;
  readonly repository: string;
  readonly mainBranch: string;
  readonly pollSeconds: number;
  readonly digest: string;
  readonly verified: string | null;
  readonly paused: string | null;
  /** What keeps it from its work, in words; `null` when nothing does. */
  readonly trouble: string | null;
}

/** A watcher's memo, read; `null` when it is another workflow's. */
export function readWatchMemo(memo: Readonly<Record<string, unknown>> | undefined): ShownWatch | null {
  const { lockkeeper, instance, repository, mainBranch, pollSeconds, digest } = memo ?? {};
  const texts = [lockkeeper, instance, repository, mainBranch, digest];
  if (texts.some((each) => typeof each !== 'string') || typeof pollSeconds !== 'number') return null;
  const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const { verified, paused, trouble } = memo ?? {};
  return {
    ...({ lockkeeper, instance, repository, mainBranch, digest } as Pick<
      ShownWatch,
      'lockkeeper' | 'instance' | 'repository' | 'mainBranch' | 'digest'
    >),
    pollSeconds,
    verified: textOrNull(verified),
    paused: textOrNull(paused),
    trouble: textOrNull(trouble),
  };
}
