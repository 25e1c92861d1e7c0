import { asyncLocalStorage } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import { finalFailure, passingFailure } from '../../model/run/failures.js';
import { exceededWords, mayBeQuicker, type Exceeded } from '../../model/machine/fetch-limits.js';
import { remoteFault } from '../../model/git/words.js';
import type { Repository } from '../../model/run/options.js';
import { tail } from '../../model/text/text.js';
import { ownFetchLimits } from '../command/fetch-limits.js';
import { gitMessage, type GitResult } from './git.js';

/** A remote's own words, cut to what fits into a message. */
export const remoteMessage = (result: GitResult): string => tail(gitMessage(result.stderr), { lines: 20, bytes: 2048 });

/** Whether a repository's URL is a folder on this machine. */
const isLocalPath = (url: string): boolean => url.startsWith('/') || url.startsWith('file://');

/**
 * The failure for a fetch that did not work, with the way out and the remote's words. What is known to pass, as a network
 * that is down, is retryable; everything else is final, whatever it is.
 */
export function fetchFailure(repository: Repository, result: GitResult): ApplicationFailure {
  if (result.exceeded != null) return exceededFailure(repository, result.exceeded, result.seconds);
  const said = remoteMessage(result);
  const remote = { name: repository.displayUrl, local: isLocalPath(repository.url) };
  const { passes, type, message } = remoteFault(said, remote);
  return passes ? passingFailure(type, `${message}:\n${said}`) : finalFailure(type, `${message}. Git said:\n${said}`);
}

/** A remote that was slow is asked once more, what was too large would be so again. */
function exceededFailure({ displayUrl }: Repository, exceeded: Exceeded, seconds?: number): ApplicationFailure {
  const message = `${exceededWords(displayUrl, exceeded, ownFetchLimits(), seconds)}.`;
  const attempt = asyncLocalStorage.getStore()?.info.attempt ?? 1;
  return mayBeQuicker(exceeded) && attempt < STALLED_TRIES
    ? passingFailure('RemoteUnreachable', message)
    : finalFailure('RemoteUnreachable', message);
}

const STALLED_TRIES = 2;
