import path from 'node:path';
import { repositoryKey } from '../../../model/run/keys.js';
import type { Repository } from '../../../model/run/options.js';
import { targetKey } from '../../../model/machine/record-directory.js';
import type { StateDirectory } from '../../../model/machine/state-directory.js';
import type { Target } from '../../../model/targets/index.js';
import { hasFields, readJson, writeWhole } from '../../../host/files.js';

interface BuildTimes {
  /** Wall times of the newest builds in seconds, newest last. */
  readonly seconds: readonly number[];
}

const KEPT = 5;

const timesFile = (state: StateDirectory, repository: Repository, target: Target): string =>
  path.join(state.times, repositoryKey(repository), `${targetKey(target)}.json`);

const read = (file: string): Promise<BuildTimes | null> => readJson(file, hasFields<BuildTimes>('seconds'));

/** Seconds that a target took when it was last built here; `null` when that is not known. */
export async function estimateSeconds(
  state: StateDirectory,
  repository: Repository,
  target: Target,
): Promise<number | null> {
  const times = await read(timesFile(state, repository, target));
  return times?.seconds.at(-1) ?? null;
}

/** Notes how long a build took. Only for those that built something: what was there already says nothing. */
export async function noteBuildTime(
  state: StateDirectory,
  repository: Repository,
  target: Target,
  seconds: number,
): Promise<void> {
  const file = timesFile(state, repository, target);
  const before = (await read(file))?.seconds ?? [];
  const times: BuildTimes = { seconds: [...before, seconds].slice(-KEPT) };
  await writeWhole(file, JSON.stringify(times));
}
