import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { REMOVING } from '../../activities/git/prune-mirror.js';
import { listRecords, readIdentity, type OwnedRecord } from '../../activities/supervised/record.js';
import { isAlive } from '../../host/processes.js';
import { groupBy } from '../../model/text/group-by.js';
import type { Kept, KeptRun } from '../../model/machine/retention.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { measure } from './measure.js';
import type { ServerView } from './runs.js';

export interface FoundOfRun {
  readonly item: Kept;
  /** When the run began by the server, else the time of the oldest thing that is kept for it; milliseconds since 1970. */
  readonly since: number;
}

/** Logs, records and GC roots of every run that this machine had a part in. */
export async function lookAtRuns(state: StateDirectory, server: ServerView | null): Promise<readonly FoundOfRun[]> {
  const roots = join(state.evaluations, 'runs');
  const rooted = new Set(await folders(roots));
  const logged = await folders(state.builds);
  const records = groupBy(await listRecords(state), ({ record }) => record.directory.split('/').at(-2) ?? '');
  const found: FoundOfRun[] = [];
  for (const name of new Set([...logged, ...rooted])) {
    const run = await knowledge(name, records.get(name) ?? [], rooted.has(name), server);
    const began = server?.open.get(name) ?? null;
    if (logged.includes(name)) found.push(await measured('logs', join(state.builds, name), run, began));
    if (rooted.has(name)) found.push(await measured('roots', join(roots, name), run, began));
  }
  return found;
}

const folders = async (parent: string): Promise<string[]> =>
  (await readdir(parent).catch(() => [])).filter((name) => !name.startsWith(REMOVING));

async function measured(kind: 'logs' | 'roots', path: string, run: KeptRun, began: number | null): Promise<FoundOfRun> {
  const { bytes, newest, oldest } = await measure(path);
  return { item: { kind, path, bytes, usedAt: newest, run }, since: began ?? oldest };
}

async function knowledge(
  name: string,
  records: readonly OwnedRecord[],
  rooted: boolean,
  server: ServerView | null,
): Promise<KeptRun> {
  const identities = await Promise.all(records.map(({ record }) => readIdentity(record)));
  const alive = await Promise.all(identities.map(async (identity) => identity !== null && (await isAlive(identity))));
  const elsewhere = records.some(({ owner }) => owner.namespace !== server?.namespace);
  // Folders of runs with unusual ids are named by a digest: their records tell the id as long as they are held.
  const id = records[0]?.owner.run ?? name;
  return {
    state: server === null || elsewhere ? 'unknown' : await server.stateOf(id),
    supervised: alive.includes(true),
    held: records.length > 0 || rooted,
  };
}
