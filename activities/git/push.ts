import { ApplicationFailure } from '@temporalio/common';
import type { FailureType } from '../../model/failures.js';
import type { Repository } from '../../model/run.js';
import { stripControl } from '../../model/text.js';
import type { Git } from './git.js';
import type { GitResult } from './local-git.js';
import { fetchFailure, remoteMessage } from './remote-failure.js';
import { REMOTE } from './transport.js';

/** `raced`: the ref was not where it was expected to be, so the push has to be thought over. */
type PushResult = 'pushed' | 'raced';

interface Push {
  readonly commit: string;
  /** Without `refs/heads/`. */
  readonly branch: string;
  /** Where the branch has to be for it to be replaced, `null` when it must not exist; without it, it is only fast-forwarded. */
  readonly replaces?: string | null;
}

/** The remote let us read but not write: who we are is not allowed to, or its disk does not let anybody. */
const READ_ONLY =
  /\b403\b|denied|not permitted|not allowed to|read[- ]only|unauthorized|archived|authentication failed|could not read (?:username|password)|insufficient permission|unable to create temporary object/i;
const RACED =
  /\((?:stale info|fetch first|non-fast-forward|already exists|needs force|failed to update ref|failed to lock|incorrect old value provided)\)|cannot lock ref|reference already exists/i;
const HOOK = /hook declined|protected|denyCurrentBranch|branch is currently checked out|pre-receive|update hook/i;

/** The commit that a branch of the remote is at, asked of the remote itself; `null` when there is none. */
export async function remoteBranch(git: Git, repository: Repository, branch: string): Promise<string | null> {
  const ref = `refs/heads/${branch}`;
  const result = await git.attempt(['ls-remote', '--quiet', REMOTE, ref]);
  if (result.exitCode !== 0) throw fetchFailure(repository, result);
  // A pattern also matches at the end of longer refs.
  const line = result.stdout.split('\n').find((each) => each.split('\t')[1] === ref);
  return line?.split('\t')[0] ?? null;
}

function pushFailure(repository: Repository, push: Push, result: GitResult): ApplicationFailure {
  const said = refusal(result);
  const where = `branch ${push.branch} to ${repository.displayUrl}`;
  const rejected = result.stdout.includes('[remote rejected]');
  if (READ_ONLY.test(said) && !HOOK.test(said)) {
    return ApplicationFailure.nonRetryable(
      `Pushing ${where} is not allowed for the worker's user. Give it write access ` +
        `(--ssh-key-file or --https-token-file name other credentials), or run with --land none. Git said:\n${said}`,
      'RemoteReadOnly' satisfies FailureType,
    );
  }
  if (rejected || HOOK.test(said)) {
    return ApplicationFailure.nonRetryable(
      `The remote refused to take ${where}. Nothing was changed there: ask who keeps it, or choose another landing (--land branch, --branch-prefix). It said:\n${said}`,
      'PushRejected' satisfies FailureType,
    );
  }
  return fetchFailure(repository, result);
}

/** What `git push --porcelain` says became of the ref: `[remote rejected] (pre-receive hook declined)`. */
const rejection = (result: GitResult): string =>
  result.stdout
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => stripControl(line.split('\t').slice(2).join(' ')))
    .join('\n');

/** The words of a remote that took no push, without what Git adds for people at a terminal. */
function refusal(result: GitResult): string {
  const lines = result.stderr
    .split('\n')
    .filter((line) => !/^(?:error: failed to push some refs|hint:|To )/.test(line));
  const said = remoteMessage({ ...result, stderr: [...lines, rejection(result)].join('\n') });
  return said
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}

/**
 * Pushes one commit to one branch, or finds that somebody was faster. Never forces a branch from anywhere but `replaces`.
 * Throws non-retryable `RemoteReadOnly` and `PushRejected` with the remote's words, and retryable failures for the network.
 */
export async function push(git: Git, repository: Repository, wanted: Push): Promise<PushResult> {
  const ref = `refs/heads/${wanted.branch}`;
  const lease = wanted.replaces === undefined ? [] : [`--force-with-lease=${ref}:${wanted.replaces ?? ''}`];
  const args = ['push', '--porcelain', '--no-verify', ...lease, REMOTE, `${wanted.commit}:${ref}`];
  const result = await git.attempt(args);
  if (result.exitCode === 0) return 'pushed';
  if (RACED.test(rejection(result)) || RACED.test(result.stderr)) return 'raced';
  throw pushFailure(repository, wanted, result);
}
