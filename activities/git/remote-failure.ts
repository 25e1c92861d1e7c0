import { ApplicationFailure } from '@temporalio/common';
import type { FailureType } from '../../model/failures.js';
import type { Repository } from '../../model/run.js';
import { tail } from '../../model/text.js';
import { gitMessage } from './git.js';
import type { GitResult } from './local-git.js';

/** Answers of a remote that another try will not change. Everything else may be the network. */
const REFUSALS = [
  /does not appear to be a git repository/i,
  /repository .*not found|not found: repository|project you were looking for/i,
  /does not exist/i,
  /authentication failed|access denied|invalid (?:username|credentials)/i,
  /could not read (?:username|password)|terminal prompts disabled/i,
  /permission denied|host key verification failed|no such identity/i,
  /requested URL returned error: 4(?!08|29)\d\d/i,
  /transport '.*' not allowed|unable to find remote helper|protocol '.*' is not supported/i,
  /detected dubious ownership/i,
  /unable to parse|is not a valid|bad config/i,
];
const NOT_A_REPOSITORY = /does not appear to be a git repository|not a git repository/i;

/** A remote's own words, cut to what fits into a message. */
export const remoteMessage = (result: GitResult): string => tail(gitMessage(result.stderr), { lines: 20, bytes: 2048 });

/** Whether a repository's URL is a folder on this machine. */
const isLocalPath = (url: string): boolean => url.startsWith('/') || url.startsWith('file://');

/**
 * The failure for a fetch that did not work. A network that is down may come back: retryable `RemoteUnreachable`. A
 * remote that says no, or a path that holds no repository, is final.
 */
export function fetchFailure(repository: Repository, result: GitResult): ApplicationFailure {
  const said = remoteMessage(result);
  const name = repository.displayUrl;
  if (isLocalPath(repository.url) && NOT_A_REPOSITORY.test(said)) {
    return ApplicationFailure.nonRetryable(
      `${name} is not a Git repository. Name a folder that holds one, or the URL of one.\n${said}`,
      'NotAGitRepository' satisfies FailureType,
    );
  }
  const type = 'RemoteUnreachable' satisfies FailureType;
  if (!REFUSALS.some((refusal) => refusal.test(said))) {
    return ApplicationFailure.retryable(`The remote ${name} cannot be reached:\n${said}`, type);
  }
  return ApplicationFailure.nonRetryable(
    `The remote ${name} cannot be read. Check the URL, and that the worker's user may read it ` +
      `(SSH agent, --ssh-key-file, --known-hosts-file, --https-token-file). Git said:\n${said}`,
    type,
  );
}
