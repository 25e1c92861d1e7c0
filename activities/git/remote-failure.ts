import { ApplicationFailure } from '@temporalio/common';
import { remoteFault } from '../../model/git-words.js';
import type { Repository } from '../../model/run.js';
import { tail } from '../../model/text.js';
import { gitMessage } from './git.js';
import type { GitResult } from './local-git.js';

/** A remote's own words, cut to what fits into a message. */
export const remoteMessage = (result: GitResult): string => tail(gitMessage(result.stderr), { lines: 20, bytes: 2048 });

/** Whether a repository's URL is a folder on this machine. */
const isLocalPath = (url: string): boolean => url.startsWith('/') || url.startsWith('file://');

/**
 * The failure for a fetch that did not work, with the way out and the remote's words. What is known to pass, as a network
 * that is down, is retryable; everything else is final, whatever it is.
 */
export function fetchFailure(repository: Repository, result: GitResult): ApplicationFailure {
  const said = remoteMessage(result);
  const remote = { name: repository.displayUrl, local: isLocalPath(repository.url) };
  const { passes, type, message } = remoteFault(said, remote);
  return passes
    ? ApplicationFailure.retryable(`${message}:\n${said}`, type)
    : ApplicationFailure.nonRetryable(`${message}. Git said:\n${said}`, type);
}
