import { plural } from '../../model/report/words.js';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readJson } from '../../host/files.js';
import { ADVISORY_FILE } from '../../model/advisories/advisory.js';
import { STALE_DAYS } from '../../model/advisories/vulnerability.js';
import { stripControl } from '../../model/text/text.js';
import { DEFAULT_LIMITS } from '../../model/machine/retention.js';
import { DAY_MS } from '../../model/text/span.js';
import { formatSize } from '../../model/text/size.js';
import { LEFT_BEHIND, type StateDirectory } from '../../model/machine/state-directory.js';
import { suggest } from '../terminal/suggest.js';
import { ok, warn, type Finding } from './finding.js';

/** What the state directory holds, how much it is, and how long it stays there. */
export async function showKept(state: StateDirectory): Promise<readonly Finding[]> {
  const [builds, mirrors, evaluations, reports, times, runs, database] = await Promise.all([
    size(state.builds),
    size(state.mirrors),
    size(state.evaluations),
    size(state.reports),
    size(state.times),
    visible(state.builds),
    databaseSize(state),
  ]);
  const closures = (await readdir(state.closures, { recursive: true }).catch(() => [])).filter(
    (name) => name.split('/').length === 3,
  );
  const mirrorCount = (await visible(state.mirrors)).filter((name) => name.endsWith('.git')).length;
  const { days, logBytes } = DEFAULT_LIMITS;
  const logs = `${formatSize(builds)} of ${plural(runs.length, 'run')}; ${days.logs} days, ${formatSize(logBytes)} in all, open runs always`;
  const left = await leftBehind(state);
  return [
    ...(left.length === 0
      ? []
      : [warn('kept: put aside', `could not be removed: ${left.join(', ')}`, `rm -rf as root: ${left.join(' ')}`)]),
    builds > logBytes ? warn('kept: logs', logs, suggest('prune')) : ok('kept: logs', logs),
    ok(
      'kept: mirrors',
      `${formatSize(mirrors)} of ${plural(mirrorCount, 'repository', 'repositories')}; ${days.mirror} days after the last use`,
    ),
    ok(
      'kept: evaluations',
      `${formatSize(evaluations)}; ${days.evaluation} days after the last use, GC roots as long as their run`,
    ),
    ok(
      'kept: closures',
      `${plural(closures.length, 'closure')} of hosts in the Nix store; ${days.closure} days after the last run of the host, as many of each as "keepClosures" says`,
    ),
    ...(await advisories(state)),
    ok('kept: reports', `${formatSize(reports + times)} with build times; ${days.report} days`),
    ok('kept: database', `${formatSize(database)} of the embedded server`),
    ok(
      'kept: cleaning',
      `by each worker once an hour, and by "${suggest('prune')}"; "${suggest('prune', '--dry-run')}" says what would go and why`,
    ),
  ];
}

/** Each folder of advisories that runs were checked against here. */
async function advisories(state: StateDirectory): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for (const name of await visible(state.advisories)) {
    const index = join(state.advisories, name);
    const { folder = '?' } = (await readJson<{ folder?: string }>(join(index, 'folder.json'))) ?? {};
    const shown = stripControl(folder);
    const kept = `index of ${formatSize(await size(index))}, ${DEFAULT_LIMITS.days.advisories} days after its last use`;
    const changed = await newestIn(folder);
    if (changed === null) {
      found.push(
        warn('kept: advisories', `${shown} has no JSON files; ${kept}`, `put files of the NVD or OSV into ${shown}`),
      );
      continue;
    }
    const days = Math.floor((Date.now() - changed) / DAY_MS);
    const words = `${shown}, newest file ${plural(days, 'day')} old; ${kept}`;
    found.push(
      days > STALE_DAYS
        ? warn('kept: advisories', words, `download newer files into ${shown}`)
        : ok('kept: advisories', words),
    );
  }
  return found;
}

/** When the newest JSON file of a folder was changed; `null` when there is none. */
async function newestIn(folder: string): Promise<number | null> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  let newest: number | null = null;
  for (const name of names.filter((each) => ADVISORY_FILE.test(each))) {
    const found = await lstat(join(folder, name)).catch(() => null);
    if (found !== null) newest = Math.max(newest ?? 0, found.mtimeMs);
  }
  return newest;
}

/** Folders in records that could not be removed, and that no run needs. */
async function leftBehind(state: StateDirectory): Promise<readonly string[]> {
  const found: string[] = [];
  for (const run of await visible(state.builds))
    for (const record of await visible(join(state.builds, run)))
      for (const name of await visible(join(state.builds, run, record)))
        if (LEFT_BEHIND.test(name)) found.push(join(state.builds, run, record, name));
  return found;
}

/** Names that are not those of something that is being removed. */
const visible = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => !name.startsWith('.'));

/** With the journal that SQLite keeps beside it. */
async function databaseSize(state: StateDirectory): Promise<number> {
  const sizes = await Promise.all(['', '-wal', '-shm'].map((end) => size(`${state.serverDatabase}${end}`)));
  return sizes.reduce((sum, each) => sum + each, 0);
}

/** Bytes of a file or of all files below a folder; links are not followed. */
async function size(path: string): Promise<number> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return 0;
  if (!found.isDirectory()) return found.size;
  let bytes = 0;
  for (const name of await readdir(path).catch(() => [])) bytes += await size(join(path, name));
  return bytes;
}
