import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { CoordinatorActivities } from '../model/activities.js';
import { earlierHolds } from '../model/hold-back/earlier.js';
import type { Report } from '../model/report.js';
import type { Repository } from '../model/run.js';
import { writeWhole } from './atomic-file.js';
import type { ActivityEnvironment } from './environment.js';
import { runDirectoryName } from './nix/record-directory.js';

/** How many runs are looked back; some 100 KB each. */
const LOOKED_AT = 50;

/** Keeps a closed run's report, for people and for later runs. The same report gives the same file. */
export const writeReport = (env: ActivityEnvironment, report: Report): Promise<void> =>
  writeWhole(path.join(env.state.reports, `${runDirectoryName(report.run)}.json`), JSON.stringify(report, null, 2));

/** Makes the activity that says what earlier runs held back, as this machine's reports have it. It only reads. */
export const createEarlierHolds =
  (env: ActivityEnvironment): CoordinatorActivities['earlierHolds'] =>
  async ({ repository }) =>
    earlierHolds((await newestReports(env, '')).filter((report) => report.repository === repository.displayUrl));

/** What this machine knows of earlier runs of one instance on one repository, newest first. */
export async function reportsOf(env: ActivityEnvironment, instance: string, repository: Repository): Promise<Report[]> {
  const reports = await newestReports(env, `${instance}-`);
  return reports.filter((report) => report.instance === instance && report.repository === repository.displayUrl);
}

/** The newest reports of runs whose ids begin with `prefix`, newest first. */
async function newestReports({ state }: ActivityEnvironment, prefix: string): Promise<Report[]> {
  const names = (await readdir(state.reports).catch(() => [])).filter(
    (name) => name.startsWith(prefix) && name.endsWith('.json'),
  );
  const files = await Promise.all(
    names.map(async (name) => {
      const file = path.join(state.reports, name);
      // Reports are pruned at any time.
      const found = await stat(file).catch(() => null);
      return { file, writtenAt: found?.mtimeMs ?? 0 };
    }),
  );
  const newest = files.sort((one, other) => other.writtenAt - one.writtenAt).slice(0, LOOKED_AT);
  const reports = await Promise.all(newest.map(({ file }) => readReport(file)));
  return reports.filter((report) => report !== null);
}

/** `null` when it is gone, or is no report. */
async function readReport(file: string): Promise<Report | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Report;
  } catch {
    return null;
  }
}
