import { createHash } from 'node:crypto';
import type { Repository } from './options.js';

/** Digests that stand for what is too long or too varied for a name. They need node:crypto: workflows must not import them. */

/** Short stable key of a repository's remote (and main branch): names the mirror, the lock, the build times. */
export function repositoryKey(repository: Repository, withBranch = false): string {
  const parts = [normaliseUrl(repository.url), ...(withBranch ? [repository.mainBranch] : [])];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

/** One spelling for a remote: scp-like addresses become ssh URLs, user info, `.git` and slashes at the end go. */
export function normaliseUrl(url: string): string {
  const scp = /^(?:[^@/:]+@)?([^/:]+):(?!\/\/)(.+)$/.exec(url);
  const full = scp !== null && !url.includes('://') ? `ssh://${scp[1] ?? ''}/${scp[2] ?? ''}` : url;
  const withoutUser = full.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1');
  const withoutFile = withoutUser.replace(/^file:\/\//, '');
  return withoutFile
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .replace(/\/+$/, '');
}

/** Digest of everything that a run was asked, to tell "the same update again" from another one. */
export const optionsDigest = (options: unknown): string =>
  createHash('sha256').update(JSON.stringify(options)).digest('hex').slice(0, 16);
