import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../context.js';
import { result } from '../terminal/output.js';

const AT_MOST = 40;

/** An id of a run, ending in its time; other names are of no run, or hashes of ids that are no file names. */
const RUN_ID = /^[A-Za-z0-9_][A-Za-z0-9._:-]*-(\d{4}-?\d\d-?\d\d[T-]\d\d:?\d\d:?\d\dZ?)$/;

/**
 * `lockkeeper known-runs`: ids of runs that this machine took part in or keeps reports of, latest first. It asks no
 * server, so that completion answers at once, whether one runs or not; and it fails at nothing.
 */
export async function knownRuns({ state }: CommandContext): Promise<number> {
  const folders = [state.reports, state.builds, join(state.evaluations, 'runs')];
  const names = (await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])))).flat();
  const ids = [...new Set(names.map((name) => name.replace(/\.json$/, '')))];
  const latest = ids
    .map((id) => ({ id, time: RUN_ID.exec(id)?.[1]?.replace(/\D/g, '') }))
    .filter(({ time }) => time !== undefined)
    .sort((a, b) => Number(b.time) - Number(a.time))
    .slice(0, AT_MOST);
  if (latest.length > 0) result(latest.map(({ id }) => id).join('\n'));
  return 0;
}
