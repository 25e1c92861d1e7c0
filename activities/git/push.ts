import type { ApplicationFailure } from '@temporalio/common';
import { finalFailure, isFailure } from '../../model/run/failures.js';
import type { Repository } from '../../model/run/options.js';
import { stripControl } from '../../model/text/text.js';
import type { Git, GitResult } from './git.js';
import { pushRefusal } from './push-refusal.js';
import { fetchFailure, remoteMessage } from './remote-failure.js';
import { REMOTE } from './transport.js';

export type PushResult = 'pushed' | Refusal;

/** The remote took no push to that branch: it is not where expected, or the refusal lasts. A look at it tells. */
export interface Refusal {
  /** The remote's own words. */
  readonly said: string;
  /** What to throw if it lasts. */
  readonly failure: ApplicationFailure;
  /** Whether somebody is writing the branch at this moment. */
  readonly busy: boolean;
  /** Whether the branch was not where it was expected to be, or is being written. */
  readonly raced: boolean;
}

export interface Push {
  /** `null` removes the branch. */
  readonly commit: string | null;
  /** Without `refs/heads/`. */
  readonly branch: string;
  /** Where the branch has to be for it to be replaced, `null` when it must not exist. */
  readonly replaces: string | null;
}

const RACED =
  /\((?:stale info|fetch first|non-fast-forward|already exists|needs force|failed to update ref|failed to lock|incorrect old value provided)\)|cannot lock ref|reference already exists/i;
const BUSY = /unable to create '.*\.lock'|\.lock': file exists|reference is locked|\(failed to lock\)/i;

const HEADS = 'refs/heads/';

/** Branches and their commits, asked of the remote itself. @param wanted names, or patterns with `*` for anything */
export async function remoteBranches(
  git: Git,
  repository: Repository,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const result = await git.attempt(['ls-remote', '--quiet', REMOTE, ...wanted.map((name) => HEADS + name)]);
  if (result.exitCode !== 0) throw fetchFailure(repository, result);
  const lines = result.stdout.split('\n').map((line) => line.split('\t'));
  // A pattern also matches at the end of longer refs.
  return new Map(
    lines.flatMap(([commit = '', ref = '']) => (ref.startsWith(HEADS) ? [[ref.slice(HEADS.length), commit]] : [])),
  );
}

/** @param received whether the remote received the commits, and said no then */
function pushFailure(
  repository: Repository,
  push: Push,
  result: GitResult,
  { said, received }: { readonly said: string; readonly received: boolean },
): ApplicationFailure {
  const where = `branch ${push.branch} to ${repository.displayUrl}`;
  const refused = pushRefusal(said, received, push.branch === repository.mainBranch);
  if (refused === null) return fetchFailure(repository, result);
  const what =
    refused.type === 'RemoteReadOnly'
      ? `Pushing ${where} is not allowed for the worker's user`
      : `The remote refused to take ${where}. Nothing was changed there`;
  return finalFailure(refused.type, `${what}. ${refused.way}. It said:\n${said}`);
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

const attemptPush = (git: Git, pushes: readonly Push[]): Promise<GitResult> =>
  git.attempt([
    ...['push', '--porcelain', '--no-verify'],
    ...pushes.map(({ branch, replaces }) => `--force-with-lease=${HEADS}${branch}:${replaces ?? ''}`),
    REMOTE,
    ...pushes.map(({ branch, commit }) => `${commit ?? ''}:${HEADS}${branch}`),
  ]);

/** Pushes several branches at once, each as `push` does. Gives those that were taken; of the others nothing is known but that. */
export async function pushTogether(git: Git, pushes: readonly Push[]): Promise<ReadonlySet<string>> {
  const { exitCode, stdout } = await attemptPush(git, pushes);
  if (exitCode === 0) return new Set(pushes.map(({ branch }) => branch));
  // `<flag>\t<from>:<to>\t<summary>`, git-push(1); `!` is a refusal.
  const taken = stdout.split('\n').flatMap((line) => {
    const [flag = '', refs = ''] = line.split('\t');
    const to = refs.slice(refs.indexOf(':') + 1);
    return flag !== '' && ' +-*='.includes(flag) && to.startsWith(HEADS) ? [to.slice(HEADS.length)] : [];
  });
  return new Set(taken);
}

/**
 * Pushes one commit to one branch, from exactly where the branch was seen: the remote takes it in one step, or not at all.
 * Throws non-retryable `RemoteReadOnly` with the remote's words, and retryable failures for the network.
 */
export async function push(git: Git, repository: Repository, wanted: Push): Promise<PushResult> {
  const result = await attemptPush(git, [wanted]);
  if (result.exitCode === 0) return 'pushed';
  const said = refusal(result);
  const raced = RACED.test(rejection(result)) || RACED.test(result.stderr);
  const received = raced || result.stdout.includes('[remote rejected]');
  const failure = pushFailure(repository, wanted, result, { said, received });
  if (!isFailure(failure, 'PushRejected')) throw failure;
  return { said, failure, raced, busy: BUSY.test(result.stderr) || BUSY.test(result.stdout) };
}
