import { lstat } from 'node:fs/promises';
import path from 'node:path';
import { log } from '@temporalio/activity';
import type { CoordinatorActivities } from '../model/contract/activities.js';
import { earlierHolds } from '../model/report/earlier-holds.js';
import { isPart, mayBeRunOf, mayBeRunOfInstance } from '../model/run/ids.js';
import type { Report } from '../model/report/data.js';
import { reportName } from '../model/report/page.js';
import type { Repository } from '../model/run/options.js';
import { knownVerdicts } from '../model/report/known-verdicts.js';
import { messageOf } from '../model/text/message-of.js';
import { writeWhole } from '../host/files.js';
import { readReport, reportFiles } from '../host/reports.js';
import { timeLimit } from '../host/time-limit.js';
import type { ActivityEnvironment } from './environment.js';

/** How many runs are looked back; some 100 KB each. */
const LOOKED_AT = 50;

/** Such a name tells nothing; also reports of scheduled runs had one under 0.1.0. */
const isHashed = (name: string): boolean => /^[0-9a-f]{64}\.json$/.test(name);

/** What parts of runs found out is in the reports of their runs. */
const isWhole = (name: string): boolean => !isPart(name);

/** Keeps a closed run's report, for people and for later runs. The same report gives the same file. */
export const writeReport = (env: ActivityEnvironment, report: Report): Promise<void> =>
  writeWhole(path.join(env.state.reports, `${reportName(report.run)}.json`), JSON.stringify(report, null, 2));

/** Makes the activity that says what earlier runs held back, as this machine's reports have it. It only reads. */
export const createEarlierHolds =
  (env: ActivityEnvironment): CoordinatorActivities['earlierHolds'] =>
  async ({ repository }) =>
    earlierHolds(await repositoryReports(env, repository));

/** Makes the activity that says what this machine's reports tell of a commit, as far as what was built here is still here. It only reads. */
export const createKnownVerdicts =
  (env: ActivityEnvironment): CoordinatorActivities['knownVerdicts'] =>
  async (about) => {
    const reports = await newestReports(env, (name) => mayBeRunOf(about.repository, name) || isHashed(name));
    const known = await Promise.all(
      knownVerdicts(reports, about, Date.now()).map(async (verdict) => {
        const { machine, outPath } = verdict;
        if (machine !== env.machine || verdict.verdict !== 'built' || outPath === null) return verdict;
        return (await lstat(outPath).catch(() => null)) === null ? null : verdict;
      }),
    );
    return known.filter((verdict) => verdict !== null);
  };

/** What this machine knows of earlier runs of one instance on one repository, newest first. */
export async function reportsOf(env: ActivityEnvironment, instance: string, repository: Repository): Promise<Report[]> {
  const reports = await newestReports(env, (name) => isWhole(name) && mayBeRunOfInstance(instance, repository, name));
  return reports.filter(
    (report) =>
      report.partOf === undefined && report.instance === instance && report.repository === repository.displayUrl,
  );
}

/** What this machine knows of earlier runs of all instances on one repository, newest first. */
export async function repositoryReports(env: ActivityEnvironment, repository: Repository): Promise<Report[]> {
  const reports = await newestReports(env, (name) => isWhole(name) && (mayBeRunOf(repository, name) || isHashed(name)));
  return reports.filter((report) => report.partOf === undefined && report.repository === repository.displayUrl);
}

/** The newest reports of those that have such a name, newest first. */
async function newestReports({ state }: ActivityEnvironment, isWanted: (name: string) => boolean): Promise<Report[]> {
  const newest = (await reportFiles(state, isWanted)).slice(0, LOOKED_AT);
  const reports = await Promise.all(newest.map((file) => readReport(file).catch(() => null)));
  return reports.filter((report) => report !== null);
}

/** How long a run waits for its site: a folder on another machine may not answer. */
const SITE_MS = 45_000;

/** Makes the site anew of all reports of this machine. A site that cannot be made fails no run: that is logged, and the next run tries again. */
export async function renewSite({ state }: ActivityEnvironment, directory: string): Promise<void> {
  const signal = timeLimit(SITE_MS);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(new Error(`it was not made within ${SITE_MS / 1000} s`));
    });
  });
  try {
    const { makeSite } = await import('../host/site.js');
    const { unreadable } = await Promise.race([makeSite(state, directory, { signal }), late]);
    for (const { file, reason } of unreadable) log.warn('the site lacks a report', { file, reason });
  } catch (error) {
    log.warn('the site was not made', { directory, error: messageOf(error) });
  }
}
