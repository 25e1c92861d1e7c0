import { asyncLocalStorage } from '@temporalio/activity';
import type { FetchLimits } from '../../model/machine/fetch-limits.js';
import { ownFetchLimits } from '../command/fetch-limits.js';
import { launch } from '../command/launcher.js';
import { cannotStart, gitBy, type Git, type GitCall, type GitResult } from './git.js';

/**
 * Git for commands that talk to a remote. A remote that answers for ever or without end is cut off: the result says so.
 * @param narrower limits than those of the machine
 */
export function openNetworkGit(
  directory: string,
  env: Readonly<Record<string, string>>,
  narrower: Partial<FetchLimits> = {},
): Git {
  const attempt = async (args: readonly string[], call: GitCall = {}): Promise<GitResult> => {
    const limits = { ...ownFetchLimits(), ...narrower };
    const seconds = secondsFor(args, limits);
    const signal = asyncLocalStorage.getStore()?.cancellationSignal;
    const finished = await launch('git', args, {
      cwd: directory,
      env: { ...env, ...call.env },
      limits,
      timeoutMs: seconds * 1000,
      ...(call.input === undefined ? {} : { input: call.input }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (finished.notFound) throw cannotStart(directory);
    const { stdout, stderr, exceeded } = finished;
    return { exitCode: exceeded === null ? (finished.exitCode ?? -1) : ENDED, stdout, stderr, exceeded, seconds };
  };
  return gitBy(directory, attempt);
}

/** As of a command that SIGKILL ended, also where Git had the time to end by itself. */
const ENDED = 137;

/** A list of branches is short; a push waits for what the remote does with it. */
const SECONDS: Readonly<Record<string, number>> = { 'ls-remote': 300, push: 3600 };

/** Seconds that a command may take. */
const secondsFor = ([command = '']: readonly string[], { seconds }: FetchLimits): number =>
  Math.min(seconds, SECONDS[command] ?? seconds);
