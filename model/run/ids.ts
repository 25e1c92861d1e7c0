import { createHash } from 'node:crypto';
import type { Repository } from './options.js';

/** Workflow ids are made here and nowhere else. This module hashes with node:crypto: workflows must not import it. */

/** What stands for an instance in runs of no configured one, which `lockkeeper update` starts. */
export const UPDATE_INSTANCE = 'update';

/**
 * Id of a run: `<instance>-<repository>-<YYYYMMDD>-<HHMMSS>` in UTC, for example `update-fleet-20261121-093015`.
 * Two runs of one repository in one second get the same id, and so are one run.
 */
export function runId(instance: string, repository: Repository, now: Date): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${scheduledRunId(instance, repository)}-${stamp}`;
}

/** What ids of runs that a schedule starts begin with; the server adds the time for which it started them. */
export const scheduledRunId = (instance: string, repository: Repository): string =>
  `${instance}-${repositoryName(repository)}`;

/** Whether an id may be that of a run of this repository; those of another one of its name look alike. */
export const mayBeRunOf = (repository: Repository, id: string): boolean =>
  id.includes(`-${repositoryName(repository)}-`);

/** Id of the schedule of a configured instance. */
export const scheduleId = (instance: string): string => `lockkeeper-${instance}`;

/** Id of the workflow that keeps the record of an instance, whose work is done by the workers of `user`. */
export const instanceRecordId = (instance: string, user: string | null): string =>
  `lockkeeper-instance-${instance}${user === null ? '' : `@${user}`}`;

/**
 * What stands for an instance in the schedule that watches those of one configuration and account. No instance has such a name.
 * @param owner name of the configuration
 */
export const watchName = (owner: string, user: string | null): string =>
  `watch:${owner}${user === null ? '' : `@${user}`}`;

/** Last part of the repository's path without `.git`, in characters that a shell does not touch. */
function repositoryName(repository: Pick<Repository, 'url'>): string {
  const last = repository.url.replace(/[/]+$/, '').split(/[/:]/).at(-1) ?? '';
  const name = last
    .replace(/\.git$/, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'repository' : name;
}

/** Id of the workflow that holds a repository's main branch for one run. */
export const repositoryLockId = (repository: Repository): string =>
  `lockkeeper-repository-${repositoryKey(repository, true)}`;

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
