import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { REMOVING, findMirrors } from '../../activities/git/prune-mirror.js';
import { PARTIAL, SCRATCH, WORK_TREE } from '../../activities/git/mirror.js';
import { isLost } from '../../activities/nix/evaluate/evaluations.js';
import { isAlive } from '../../host/processes.js';
import { maybeOpen, type Kept } from '../../model/machine/retention.js';
import { DAY_MS } from '../../model/text/span.js';
import type { ProcessIdentity, StateDirectory } from '../../model/machine/state-directory.js';
import { readJson } from '../../host/files.js';
import { lookAtRuns } from './look-at-runs.js';
import { measure } from './measure.js';
import type { ServerView } from './runs.js';

export interface Found {
  readonly kept: readonly Kept[];
  /** When the oldest run began that is or may be open; `null` when none is. */
  readonly openSince: number | null;
}

/** Everything in a state directory that may be removed one day. Changes nothing. */
export async function look(state: StateDirectory, server: ServerView | null, now: number): Promise<Found> {
  const runs = await lookAtRuns(state, server);
  const others = [
    lookAtMirrors(state),
    lookAtEvaluations(state),
    lookAtClosures(state),
    lookAtAdvisories(state),
    files('report', state.reports, (name) => name.endsWith('.json')),
    files('report', state.channels, (name) => name.endsWith('.json')),
    lookAtTimes(state),
    lookAtProcessLogs(state),
    lookAtClientProcesses(state),
    lookAtLeftovers(state),
  ];
  const starts = [
    ...(server?.open.values() ?? []),
    ...runs.filter(({ item }) => maybeOpen(item, (now - item.usedAt) / DAY_MS)).map(({ since }) => since),
  ];
  return {
    kept: [...runs.map(({ item }) => item), ...(await Promise.all(others)).flat()],
    openSince: starts.length === 0 ? null : Math.min(...starts),
  };
}

/** Paths in a folder that is perhaps not there. */
const inside = async (folder: string, wanted: (name: string) => boolean = () => true): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter(wanted).map((name) => join(folder, name));

const item = async (kind: Kept['kind'], path: string, more: Partial<Kept> = {}): Promise<Kept> => {
  const { bytes, newest } = await measure(path);
  return { kind, path, bytes, usedAt: newest, ...more };
};

const files = async (kind: Kept['kind'], folder: string, wanted: (name: string) => boolean): Promise<readonly Kept[]> =>
  Promise.all((await inside(folder, wanted)).map((path) => item(kind, path)));

async function lookAtMirrors(state: StateDirectory): Promise<readonly Kept[]> {
  const mirrors = await findMirrors(state);
  const found = mirrors.map(async ({ path, usedAt, refs }) => [
    await item('mirror', path, { usedAt }),
    ...refs.map((ref): Kept => {
      return { kind: 'ref', path: join(path, ref.name), bytes: 0, usedAt: ref.usedAt, mirrorUsedAt: usedAt };
    }),
  ]);
  return (await Promise.all(found)).flat();
}

async function lookAtEvaluations(state: StateDirectory): Promise<readonly Kept[]> {
  const found: Kept[] = [];
  for (const path of await inside(join(state.evaluations, 'commits'))) {
    if (path.endsWith('.json')) found.push(await item('evaluation', path, { useless: await isLost(path) }));
    else found.push(await item('leftover', path));
  }
  return found;
}

/** GC roots of hosts' closures, by target: those of one that no run builds any more keep it for nobody. */
async function lookAtClosures(state: StateDirectory): Promise<readonly Kept[]> {
  const folders = await inside(state.closures);
  return (await Promise.all(folders.map((folder) => files('closure', folder, () => true)))).flat();
}

/** A file in the folder of an index is written whenever it is used. */
async function lookAtAdvisories(state: StateDirectory): Promise<readonly Kept[]> {
  return Promise.all((await inside(state.advisories)).map((path) => item('advisories', path)));
}

async function lookAtTimes(state: StateDirectory): Promise<readonly Kept[]> {
  const folders = await inside(state.times);
  return (await Promise.all(folders.map((folder) => files('times', folder, (name) => name.endsWith('.json'))))).flat();
}

const lookAtProcessLogs = (state: StateDirectory): Promise<readonly Kept[]> =>
  Promise.all(
    [state.workerLog, state.serverLog, join(state.server, 'keeper.log')].map((path) => item('process-log', path)),
  );

async function lookAtClientProcesses(state: StateDirectory): Promise<readonly Kept[]> {
  const paths = await inside(state.clientProcesses, (name) => /^\d+$/.test(name));
  return Promise.all(
    paths.map(async (path) => {
      const client = await readJson<ProcessIdentity>(path).catch(() => null);
      return item('user', path, { useless: client !== null && !(await isAlive(client)) });
    }),
  );
}

/** What processes leave that are killed in the middle of something. */
async function lookAtLeftovers(state: StateDirectory): Promise<readonly Kept[]> {
  const half = (name: string): boolean => /\.(tmp|new)$/.test(name);
  const removing = (name: string): boolean => name.startsWith(REMOVING);
  const places = [
    state.root,
    state.server,
    state.clientProcesses,
    state.reports,
    state.channels,
    ...(await inside(state.times)),
  ];
  const paths = await Promise.all([
    ...places.map((folder) => inside(folder, half)),
    inside(state.work, (name) => name.startsWith(WORK_TREE)),
    inside(state.mirrors, (name) => name.includes(PARTIAL) || name.includes(SCRATCH)),
  ]);
  const going = await Promise.all(
    [state.builds, state.mirrors, state.work, join(state.evaluations, 'runs')].map((folder) =>
      inside(folder, removing),
    ),
  );
  return Promise.all([
    ...paths.flat().map((path) => item('leftover', path)),
    ...going.flat().map((path) => item('leftover', path, { useless: true })),
  ]);
}
