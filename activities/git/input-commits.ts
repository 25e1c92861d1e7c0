import { createHash } from 'node:crypto';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { exists, makeFolder } from '../../host/files.js';
import { COMMIT_FORMAT, COMMITS_TOLD, readCommits, type InputCommits } from '../../model/flake-lock/commits.js';
import { oldEnough, type DatedCommit, type OldEnough } from '../../model/flake-lock/cooldown.js';
import type { Environment } from '../../model/git/environment.js';
import type { FetchLimits } from '../../model/machine/fetch-limits.js';
import type { ActivityEnvironment } from '../environment.js';
import { openGit, type Git } from './git.js';
import { commitRef } from './mirror.js';
import { exclusively } from './mutex.js';
import { removeStaleLocks, removeUnfinished } from './stale-locks.js';
import { openRemoteGit, REMOTE } from './transport.js';

export interface InputRepository {
  readonly url: string;
  /** What its forge wants instead of a password; `null` where the person's own Git has what is needed. */
  readonly token: string | null;
  /** Variables by which a fetch gets to the network; default: as the worker does. */
  readonly variables?: Environment;
}

/** Of one fetch. Nothing may wait long for it, and the commits of nixpkgs of half a year are some 30 MB. */
const LIMITS: Partial<FetchLimits> = { seconds: 30, stallSeconds: 20, writtenBytes: 1024 ** 3 };
/** After so long a branch is not fetched any further back. */
const PATIENCE_MS = 45_000;

/** How many commits back a branch is fetched, one after the other, until they are enough. */
const DEPTHS: readonly number[] = [100, 500, 2500, 12_500];

/**
 * Looks at the first-parent history of a commit of an input, the newest commit first. Commits alone are fetched, without
 * their files and no further back than needed, into a bare repository beside the mirrors, which keeps them.
 * @param read what is looked for in the history; `null` when it goes not far enough back
 * @returns `null` when it is too far back, or not of Git's usual kind; `'unread'` when it cannot be had
 */
async function lookBack<T>(
  env: ActivityEnvironment,
  repository: InputRepository,
  commit: string,
  read: (history: readonly DatedCommit[], git: Git) => Promise<T | null>,
): Promise<T | 'unread' | null> {
  if (!/^[0-9a-f]{40}$/.test(commit)) return null;
  const name = createHash('sha256').update(repository.url).digest('hex').slice(0, 32);
  const directory = path.join(env.state.mirrors, `input-${name}.git`);
  return exclusively(directory, async () => {
    await makeFolder(directory);
    const git = openGit(directory);
    await git.run(['init', '--quiet', '--bare', '--template=']);
    const now = new Date();
    await utimes(directory, now, now);
    const ref = commitRef(commit);
    const known = await read(await history(git, ref), git);
    if (known !== null) return known;
    const end = Date.now() + PATIENCE_MS;
    for (const depth of DEPTHS) {
      if (Date.now() > end) return 'unread';
      if (!(await fetchCommits(repository, git, { depth, refspec: `+${commit}:${ref}` }))) return 'unread';
      const found = await history(git, ref);
      const answer = await read(found, git);
      if (answer !== null || found.length < depth) return answer;
    }
    return null;
  });
}

async function history(git: Git, ref: string): Promise<readonly DatedCommit[]> {
  const { exitCode, stdout } = await git.attempt(['log', '--first-parent', '--format=%H %ct', ref, '--']);
  if (exitCode !== 0) return [];
  return stdout.split('\n').flatMap((line) => {
    const [revision = '', seconds = ''] = line.split(' ');
    return revision === '' ? [] : [{ revision, seconds: Number(seconds) }];
  });
}

async function fetchCommits(
  { url, token, variables = {} }: InputRepository,
  { directory }: Git,
  { depth, refspec }: { readonly depth: number; readonly refspec: string },
): Promise<boolean> {
  await removeStaleLocks(directory);
  await removeUnfinished(directory);
  const fetchWith = async (httpsTokenFile: string | null): Promise<boolean> => {
    const transport = { sshKeyFile: null, knownHostsFile: null, httpsTokenFile };
    const remote = await openRemoteGit(directory, { url, checkout: null, transport }, LIMITS);
    const how = ['--quiet', '--no-tags', '--force', '--filter=tree:0', `--depth=${depth}`];
    return (await remote.attempt(['fetch', ...how, REMOTE, refspec], { env: variables })).exitCode === 0;
  };
  if (token === null) return fetchWith(null);
  const folder = await mkdtemp(path.join(await memoryFolder(), 'lockkeeper-token-'));
  try {
    const file = path.join(folder, 'token');
    await writeFile(file, token, { mode: 0o600 });
    return await fetchWith(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where files are in memory alone: the state directory, and backups of it, hold no tokens, also not after a crash. */
async function memoryFolder(): Promise<string> {
  const own = process.env.XDG_RUNTIME_DIR;
  if (own !== undefined && (await exists(own))) return own;
  return (await exists('/dev/shm')) ? '/dev/shm' : os.tmpdir();
}

/** Dates of commits that follow each other differ by so much at most where a clock was wrong. */
const MARGIN_SECONDS = 30 * 86_400;

/**
 * The commits of an input's branch after one revision, up to another one.
 * @param fromSeconds date of the first one, seconds since 1970
 * @returns `null` when there are too many, `'unread'` when they cannot be had soon; `'apart'` when the second does not come after the first
 */
export const commitsBetween = (
  env: ActivityEnvironment,
  repository: InputRepository,
  { from, fromSeconds, to }: { readonly from: string; readonly fromSeconds: number; readonly to: string },
): Promise<InputCommits | 'apart' | 'unread' | null> =>
  lookBack<InputCommits | 'apart'>(env, repository, to, async (history, git) => {
    const count = history.findIndex(({ revision }) => revision === from);
    if (count === 0) return 'apart';
    if (count < 0) return (history.at(-1)?.seconds ?? fromSeconds) < fromSeconds - MARGIN_SECONDS ? 'apart' : null;
    const newest = await git.run([
      ...['log', '-z', '--first-parent', `--max-count=${Math.min(count, COMMITS_TOLD)}`],
      ...[`--format=${COMMIT_FORMAT}`, commitRef(to), '--'],
    ]);
    return { count, newest: readCommits(newest) };
  });

/**
 * What an input may move to whose newest revision is too new: see `oldEnough`.
 * @returns `null` when its history has nothing that is old enough; `'unread'` when it cannot be had soon
 */
export const findOldEnough = (
  env: ActivityEnvironment,
  repository: InputRepository,
  about: { readonly newest: string; readonly latest: number; readonly locked: DatedCommit | null },
): Promise<OldEnough | 'unread' | null> =>
  lookBack(env, repository, about.newest, (history) => Promise.resolve(oldEnough(history, about.latest, about.locked)));
