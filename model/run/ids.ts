import type { Repository } from './options.js';

/** Ids of workflows and schedules are made and taken apart here, and nowhere else. */

/** What stands for an instance in runs of no configured one, which `lockkeeper update` starts. */
export const UPDATE_INSTANCE = 'update';
/** The same of runs that `lockkeeper verify` starts. */
export const VERIFY_INSTANCE = 'verify';
/** The same of runs that `lockkeeper update --skip-update` starts. */
export const COMPARE_INSTANCE = 'compare';

/**
 * Id of a run: `<instance>-<repository>-<YYYYMMDD>-<HHMMSS>` in UTC, for example `update-fleet-20261121-093015`.
 * Two runs of one repository in one second get the same id, and so are one run.
 */
export function runId(instance: string, repository: Repository, now: Date): string {
  return `${scheduledRunId(instance, repository)}-${timeInName(now)}`;
}

/** `20261130-040000`, in UTC. */
export const timeInName = (at: Date): string => at.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);

/** Id of the part of a run that is about some inputs. @param name that of its branch, without what all begin with */
export const partId = (run: string, name: string): string => `${run}-input-${name}`;

/** Whether an id, or the name of a report, is that of a part of a run. */
export const isPart = (id: string): boolean => /(?:-\d{8}-\d{6}|-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)-input-./.test(id);

const STARTED_AT = /-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/;

/** When a run that a command started was to begin, in milliseconds since 1970; `null` for other ids. */
export function startInId(run: string): number | null {
  const [, year, month, day, hour, minute, second] = STARTED_AT.exec(run)?.map(Number) ?? [];
  return second === undefined ? null : Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

/** What ids of runs that a schedule starts begin with; the server adds the time for which it started them. */
export const scheduledRunId = (instance: string, repository: Repository): string =>
  `${instance}-${repositoryName(repository)}`;

/**
 * What the server adds a time to when a schedule starts a workflow, `daily-fleet-2026-11-28T09:00:00Z`: the id that the schedule
 * names. `null` for other ids; those of runs that a command starts end with a time of their own, and get no second one.
 */
export const idInSchedule = (id: string): string | null =>
  /^(.*(?<!-\d{8}-\d{6}))-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/s.exec(id)?.[1] ?? null;

/** Whether an id may be that of a run of this instance on this repository. */
export const mayBeRunOfInstance = (instance: string, repository: Repository, id: string): boolean =>
  id.startsWith(`${scheduledRunId(instance, repository)}-`);

/** Whether an id may be that of a run of this repository; those of another one of its name look alike. */
export const mayBeRunOf = (repository: Repository, id: string): boolean =>
  id.includes(`-${repositoryName(repository)}-`);

/** Id of the schedule of a configured instance. */
export const scheduleId = (instance: string): string => `lockkeeper-${instance}`;

/** Id of the workflow that keeps the record of an instance, whose work is done by the workers of `user`. */
export const instanceRecordId = (instance: string, user: string | null): string =>
  `lockkeeper-instance-${instance}${user === null ? '' : `@${user}`}`;

/** Id of the workflow that watches the main branch for an instance, whose work is done by the workers of `user`. */
export const watcherId = (instance: string, user: string | null): string =>
  `lockkeeper-watch-${instance}${user === null ? '' : `@${user}`}`;

/**
 * What stands for an instance in the schedule that watches those of one configuration and account. No instance has such a name.
 * @param owner name of the configuration
 */
export const watchName = (owner: string, user: string | null): string =>
  `watch:${owner}${user === null ? '' : `@${user}`}`;

/** The same of the schedule that looks at channels. */
export const channelWatchName = (owner: string, user: string | null): string =>
  `channels:${owner}${user === null ? '' : `@${user}`}`;

/** Last part of the repository's path without `.git`, in characters that a shell does not touch. */
function repositoryName(repository: Pick<Repository, 'url'>): string {
  const last = repository.url.replace(/[/]+$/, '').split(/[/:]/).at(-1) ?? '';
  const name = last
    .replace(/\.git$/, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'repository' : name;
}

/** Id of the workflow that holds a main branch for one run. @param key of remote and branch, see `repositoryKey` */
export const repositoryLockId = (key: string): string => `lockkeeper-repository-${key}`;

/** Id of the workflow that keeps runs apart that verify the same main branch: they wait for no update. */
export const verificationLockId = (key: string): string => `${repositoryLockId(key)}-verify`;

/** The same for runs that compare the same two commits: nothing keeps others from comparing meanwhile. */
export const comparisonLockId = (key: string, digest: string): string => `${repositoryLockId(key)}-compare-${digest}`;

/** Id of a `verifyCandidate` child: what it is for, the commit, and which part of the targets. */
export const verificationId = (run: string, label: string, head: string, part: number): string =>
  `${run}-${label}-${shortHead(head)}-${part}`;

/** Label of verifications of what a run means to land; others are of probes and fixes. */
export const VERIFY_LABEL = 'verify';

/** The same of `planCandidate`. */
export const PLAN_LABEL = 'plan';

/** Whether a child's id is that of a verification of what the run means to land. */
export const isOwnVerification = (run: string, child: string): boolean => child.startsWith(`${run}-${VERIFY_LABEL}-`);

/** Id of the `holdBack` child that looks for the inputs to blame. */
export const holdBackId = (run: string, head: string): string => `${run}-hold-back-${shortHead(head)}`;

/** Id of the `fixTarget` child of one target. */
export const fixId = (run: string, target: string, head: string): string => `${run}-fix-${target}-${shortHead(head)}`;

/** Id of a `readRunLog` workflow, whose answer is read once. @param reader tells readers of the same bytes apart */
export const logReaderId = (logKey: string, offset: number, reader: string): string =>
  `lockkeeper-log-${logKey}-${offset}-${reader}`;

const shortHead = (head: string): string => head.slice(0, 12);
