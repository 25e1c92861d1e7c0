import { watcherId } from '../run/ids.js';
import { userOf } from '../run/queues.js';
import { isAbout, SET_WATCH } from '../run/messages.js';
import type { LostMain } from '../notify/types.js';
import type { RunOptions } from '../run/options.js';

/** What a watcher is to do: look at the main branch of a repository again and again, and have it verified when it has moved. */
export interface Watch {
  /** Name of the configuration, which alone may change or end the watcher. */
  readonly lockkeeper: string;
  /** How long it waits between two looks, in seconds. */
  readonly pollSeconds: number;
  readonly options: RunOptions;
  /** How others find a run, and what the Temporal UI shows of it. */
  readonly run: { readonly memo: Readonly<Record<string, unknown>>; readonly staticSummary: string };
  /** Of all that is above, to tell whether something has changed. */
  readonly digest: string;
}

/** Argument of the signal `setWatch`. */
export interface SetWatch {
  readonly about: typeof SET_WATCH;
  readonly watch: Watch;
}

/** Whether a watcher may take it: it is about the same instance. */
export function isSetWatch(sent: unknown, instance: string): sent is SetWatch {
  if (!isAbout(sent, SET_WATCH)) return false;
  const watch = sent.watch as Partial<Watch> | null | undefined;
  return (
    typeof watch?.digest === 'string' &&
    typeof watch.pollSeconds === 'number' &&
    typeof watch.run === 'object' &&
    watch.options?.instance === instance
  );
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

/** A commit that main lost, and where main was seen then. */
export type Loss = Pick<LostMain, 'lost' | 'commit'>;

/** The argument of the open workflow `watchRepository`, one for each instance: what it is to do, and what it knows. */
export interface WatchState {
  readonly watch: Watch;
  /** Where main was seen last; `null` when it never was. */
  readonly seen: string | null;
  /** Commit of main that was verified last; `null` when none was, or has to be again. */
  readonly verified: string | null;
  readonly failed: FailedLook | null;
  /** Commit of main whose run was stopped by a person: it is not started again; `null` when none was. */
  readonly stopped: string | null;
  /** Whether the next run takes nothing for known: somebody asked for it, or asked for other settings of Nix. */
  readonly again: boolean;
  /** Why it does not look; `null` when it does. */
  readonly paused: string | null;
  /** Why main could not be looked at the last time; `null` when it could. */
  readonly trouble: string | null;
  /** How many looks in a row have failed. */
  readonly missed: number;
  /** What main lost and nobody has heard of, the oldest first: each look tries again to tell people. */
  readonly untold: readonly Loss[];
  /** Whether somebody has asked for a look that is still to come. */
  readonly asked: boolean;
}

/** First and longest pause between two runs that fail, in seconds. */
const FIRST_RETRY_SECONDS = 300;
const LONGEST_RETRY_SECONDS = 6 * 3600;
const FIRST_LOOK_PAUSE_MS = 30_000;

export const newWatch = (watch: Watch): WatchState => ({
  watch,
  seen: null,
  verified: null,
  failed: null,
  stopped: null,
  again: false,
  paused: null,
  trouble: null,
  missed: 0,
  untold: [],
  asked: false,
});

/** The state of a watcher that is to do something else from now on: main is verified for it, though it may not have moved. */
export const afterChange = (state: WatchState, watch: Watch): WatchState =>
  watch.digest === state.watch.digest
    ? state
    : {
        ...forgetful(state, state.again || settingsOf(watch) !== settingsOf(state.watch)),
        watch,
        // Another branch is elsewhere, and was not force-pushed.
        seen: isSameMain(watch, state.watch) ? state.seen : null,
        untold: isSameMain(watch, state.watch) ? state.untold : [],
      };

/** Losses that are remembered while nobody can be told: people who hear of the latest ones look at the others as well. */
const UNTOLD = 10;

/** What people have to hear of when main has lost a commit. */
export const withLoss = ({ untold }: Pick<WatchState, 'untold'>, loss: Loss): readonly Loss[] => [
  ...untold.slice(1 - UNTOLD),
  loss,
];

/** What people have still to hear of. */
export const afterTelling = (untold: readonly Loss[], told: readonly Loss[]): readonly Loss[] =>
  untold.filter((loss) => !told.includes(loss));

/** Whether two watch the same branch of the same repository. */
export const isSameMain = (
  { options: { repository: one } }: Watch,
  { options: { repository: other } }: Watch,
): boolean => one.url === other.url && one.mainBranch === other.mainBranch;

/** The state of a watcher that is to verify main, whether it knows the commit or not. */
export const forgetful = (state: WatchState, again: boolean): WatchState => ({
  ...state,
  verified: null,
  failed: null,
  stopped: null,
  again,
});

const settingsOf = ({ options }: Watch): string => JSON.stringify(options.nix);

export const isToVerify = ({ verified, stopped, failed }: WatchState, commit: string, now: number): boolean =>
  commit !== verified && commit !== stopped && (failed?.commit !== commit || failed.retryAt <= now);

/** The state after a run that failed: it is tried again, with growing pauses. */
export function afterFailure(state: WatchState, commit: string, words: string, now: number): WatchState {
  const runs = (state.failed?.commit === commit ? state.failed.runs : 0) + 1;
  const first = Math.min(state.watch.pollSeconds, FIRST_RETRY_SECONDS);
  const pause = Math.min(first * 2 ** (runs - 1), LONGEST_RETRY_SECONDS);
  return { ...state, failed: { commit, runs, retryAt: now + pause * 1000, words } };
}

/** How a run ended that was started for a commit: with a verdict about one, stopped by a person, or without a verdict. */
export type WatchedEnd =
  { readonly verified: string } | { readonly stopped: string } | { readonly failed: string; readonly words: string };

/**
 * The state after a run.
 * @param begun what the run was asked for
 * @param state what is there at its end, where `again` says whether somebody asked for another one meanwhile
 */
export function afterRun(
  state: WatchState,
  begun: Pick<WatchState, 'watch' | 'again'>,
  end: WatchedEnd,
  now: number,
): WatchState {
  const again = state.again || (begun.again && 'failed' in end);
  if (state.again || state.watch.digest !== begun.watch.digest) return forgetful(state, again);
  if ('failed' in end) return { ...afterFailure(state, end.failed, end.words, now), again };
  return { ...state, failed: null, stopped: null, ...end };
}

/** How long to wait for the next look, in milliseconds; `null`: until somebody asks. */
export function pauseMs({ watch, failed, paused, missed, untold }: WatchState, now: number): number | null {
  if (paused !== null) return null;
  const poll = Math.min(watch.pollSeconds, untold.length > 0 ? FIRST_RETRY_SECONDS : Infinity) * 1000;
  if (missed > 0) return Math.min(poll, FIRST_LOOK_PAUSE_MS * 2 ** (missed - 1));
  return failed === null ? poll : Math.min(poll, Math.max(failed.retryAt - now, 1000));
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
export const watchMemo = ({
  watch,
  verified,
  failed,
  stopped,
  paused,
  trouble,
  untold,
}: WatchState): Record<string, unknown> => ({
  lockkeeper: watch.lockkeeper,
  instance: watch.options.instance,
  repository: watch.options.repository.displayUrl,
  mainBranch: watch.options.repository.mainBranch,
  pollSeconds: watch.pollSeconds,
  digest: watch.digest,
  ...{
    verified,
    paused,
    trouble: trouble ?? lossWords(untold) ?? failed?.words ?? (stopped === null ? null : STOPPED),
  },
});

const lossWords = ([loss]: readonly Loss[]): string | null =>
  loss === undefined
    ? null
    : `main was force-pushed, and people could not be told: it does not have ${loss.lost.slice(0, 12)} any more`;

const STOPPED = 'the last run was stopped by somebody, so this commit of main is not verified';

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
