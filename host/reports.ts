import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { mayBeReport, sizesOf, sizeHistory, type SizeHistory } from '../model/report/facts.js';
import type { Report } from '../model/report/data.js';
import { completeReport } from '../model/report/earlier.js';
import type { StateDirectory } from '../model/machine/state-directory.js';
import { formatSize } from '../model/text/size.js';
import { messageOf } from '../model/text/message-of.js';
import { readIfThere } from './files.js';

export interface ReportFile {
  /** Its name, such as `nightly-fleet-20261121-093015.json`. */
  readonly name: string;
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
  readonly bytes: number;
}

/** The reports that have such a name, in the order in which they were written, the newest first. */
export async function reportFiles(
  { reports }: StateDirectory,
  isWanted: (name: string) => boolean,
): Promise<readonly ReportFile[]> {
  const names = await readdir(reports).catch(() => []);
  const files = await Promise.all(
    names
      .filter((name) => name.endsWith('.json') && isWanted(name))
      .map(async (name) => {
        const file = path.join(reports, name);
        // Reports are pruned at any time.
        const found = await stat(file).catch(() => null);
        return { name, path: file, writtenAt: found?.mtimeMs ?? 0, bytes: found?.size ?? 0 };
      }),
  );
  return files.sort((one, other) => other.writtenAt - one.writtenAt || (one.name < other.name ? 1 : -1));
}

/** A report that was there a moment ago: reports are pruned at any time. */
export class GoneReport extends Error {}

/** Larger than any report can be: it goes through Temporal, which takes 2 MB. */
const REPORT_BYTES = 64 * 1024 ** 2;

/** A report of this or an older version. @throws Error that says what is wrong with it, for people */
export async function readReport({ path: file, bytes }: ReportFile): Promise<Report> {
  if (bytes > REPORT_BYTES) throw new Error(`it is larger than a report can be (${formatSize(bytes)})`);
  const text = await readIfThere(file).catch((error: unknown) => {
    throw new Error(`it cannot be read: ${messageOf(error)}`);
  });
  if (text === null) throw new GoneReport(file);
  const value = parsed(text);
  if (!mayBeReport(value)) throw new Error('it is not a report that this version of Lockkeeper knows');
  return completeReport(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is damaged: it is not JSON');
  }
}

/** Runs whose sizes are drawn before those of a run. */
export const EARLIER_RUNS = 30;

/** Sizes of closures in the runs of the same instance that this machine knows and that began before this one. */
export async function earlierSizes(state: StateDirectory, report: Report): Promise<SizeHistory> {
  const files = await reportFiles(state, (name) => name.startsWith(`${report.instance}-`));
  const found = await Promise.all(files.slice(0, 2 * EARLIER_RUNS).map((file) => readReport(file).catch(() => null)));
  const earlier = found.filter(
    (each) =>
      each?.instance === report.instance && each.repository === report.repository && each.startedAt < report.startedAt,
  );
  const runs = earlier
    .filter((each) => each !== null)
    .slice(0, EARLIER_RUNS)
    .reverse();
  return sizeHistory(runs.map(sizesOf));
}
