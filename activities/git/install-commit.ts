import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ApplicationFailure } from '@temporalio/common';
import { isOnRemote, type Candidate } from '../../model/verify/candidate.js';
import { finalFailure } from '../../model/run/failures.js';
import type { Repository } from '../../model/run/options.js';
import type { ActivityEnvironment } from '../environment.js';
import { gitFailure, openGit, type Git } from './git.js';
import { commitRef, ensureMirror, fetchMirror, hasCommit, refIsAt, SCRATCH } from './mirror.js';
import { exclusively } from './mutex.js';
import { fetchFailure } from './remote-failure.js';
import { openRemoteGit, REMOTE } from './transport.js';

/** What a server says that does not have a commit, or gives away only what a branch holds. */
const NOT_THERE =
  /not our ref|unadvertised object|(?:couldn't|could not) find remote ref|no such remote ref|bad object/i;

/** Fetches a commit that no branch holds any more, which most servers answer. Throws `UnknownBranch` where one does not. */
async function fetchByName(mirror: string, repository: Repository, commit: string): Promise<void> {
  const remote = await openRemoteGit(mirror, repository);
  const result = await exclusively(mirror, () =>
    remote.attempt(['fetch', '--quiet', '--no-tags', REMOTE, `+${commit}:${commitRef(commit)}`]),
  );
  if (result.exitCode === 0) return;
  if (!NOT_THERE.test(result.stderr)) throw fetchFailure(repository, result);
  throw finalFailure(
    'UnknownBranch',
    `${repository.displayUrl} does not have commit ${commit} any more: its branches were rewritten. Run the update again.`,
  );
}

/**
 * Makes sure that the mirror has a commit of the remote and keeps it, even when branches are forced away from it later.
 * A commit that no branch holds any more is asked for by name.
 * Throws `UnknownBranch` when the remote does not have it any more.
 * @returns path of the mirror
 */
export async function installCommit(env: ActivityEnvironment, repository: Repository, commit: string): Promise<string> {
  const mirror = await ensureMirror(env, repository);
  const git = openGit(mirror);
  if (await refIsAt(git, commitRef(commit), commit)) return mirror;
  if (!(await hasCommit(git, commit))) {
    await fetchMirror(env, repository);
    if (!(await hasCommit(git, commit))) await fetchByName(mirror, repository, commit);
  }
  await keepCommit(git, commit);
  return mirror;
}

/** Keeps a commit that a mirror has, whatever the remote does to its branches. Safe to repeat. */
export const keepCommit = (git: Git, commit: string): Promise<unknown> =>
  exclusively(git.directory, () => git.run(['update-ref', commitRef(commit), commit]));

const damaged = (candidate: Candidate, why: string): ApplicationFailure =>
  finalFailure('CandidateDamaged', `The bundle of commit ${candidate.head} cannot be installed: ${why}`);

/**
 * Makes sure that the mirror has a candidate's commits, below `refs/lockkeeper/<head>` where Nix can name them. A candidate
 * that is there already costs one look. Throws what `installCommit` throws for the base, and `CandidateDamaged` when the
 * bundle does not give the head that it should.
 * @returns path of the mirror
 */
export async function installBundle(
  env: ActivityEnvironment,
  source: { readonly repository: Repository; readonly candidate: Candidate },
): Promise<string> {
  const { repository, candidate } = source;
  const mirror = await installCommit(env, repository, candidate.base);
  if (isOnRemote(candidate)) return await installCommit(env, repository, candidate.head);
  const git = openGit(mirror);
  await exclusively(mirror, async () => {
    if (await refIsAt(git, commitRef(candidate.head), candidate.head)) return;
    const scratch = await mkdtemp(`${mirror}${SCRATCH}`);
    try {
      const file = path.join(scratch, 'candidate.bundle');
      await writeFile(file, Buffer.from(candidate.bundle, 'base64'));
      const heads = await git.attempt(['bundle', 'list-heads', file]);
      if (heads.stdout.trim() !== `${candidate.head} HEAD`) throw damaged(candidate, 'it holds another commit.');
      const args = [
        'fetch',
        '--quiet',
        '--no-tags',
        '--no-write-fetch-head',
        file,
        `+HEAD:${commitRef(candidate.head)}`,
      ];
      const fetched = await git.attempt(args);
      if (/index-pack|unpack-objects|bad object|corrupt/i.test(fetched.stderr))
        throw damaged(candidate, 'it is cut off or broken.');
      if (fetched.exitCode !== 0) throw gitFailure('fetch', fetched);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
  return mirror;
}

/**
 * The flake of a commit in a mirror, as a URL that Nix 2.8 and later evaluate without a work tree. Every character that a
 * URL or Nix could take for something else is percent-encoded.
 * @param commit installed by `installBundle` or `installCommit`
 * @param dir folder of `flake.nix`; `''` is the root
 */
export function candidateFlakeUrl(mirror: string, commit: string, dir: string): string {
  const encode = (text: string): string => text.split('/').map(encodeURIComponent).join('/');
  const folder = dir === '' ? '' : `&dir=${encode(dir)}`;
  return `git+file://${encode(mirror)}?ref=${commitRef(commit)}&rev=${commit}${folder}`;
}
