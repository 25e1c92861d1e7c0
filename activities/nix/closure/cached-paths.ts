import { exists } from '../../../host/files.js';
import { inBatches } from '../../../model/nix/batches.js';
import { readPathInfo, type PathInfo } from '../../../model/closure/path-info.js';
import type { NixSettings } from '../../../model/run/options.js';
import { pathInfo, pathInfoOfCache } from '../commands.js';
import { nixConfiguration } from '../configuration.js';
import { runNix } from '../run-nix.js';

/** How long a cache may take for its first answer, and all caches together for one closure. */
const FIRST_ANSWER_MS = 5000;
const CLOSURE_MS = 60_000;
/** How long a cache that did not answer is left alone: as a rule, for the rest of the run. */
const SILENT_MS = 10 * 60_000;

/** When caches that did not answer may be asked again, by URL, in milliseconds since this process began. */
const silentUntil = new Map<string, number>();

/**
 * What caches know of the closure of a path that this machine does not have. Only what this machine does not have of it is
 * asked for, and nothing is fetched but such facts.
 * @param known paths of this machine, by path, with all that they refer to
 * @returns `null` when no cache has it, no cache answers, or it takes too long
 */
export async function cachedPaths(
  top: string,
  known: ReadonlyMap<string, PathInfo>,
  settings: NixSettings,
  signal: AbortSignal,
): Promise<readonly PathInfo[] | null> {
  const until = performance.now() + CLOSURE_MS;
  const ask = { settings, signal, leftMs: () => until - performance.now() };
  const caches = await cachesOf(settings);
  const found = new Map<string, PathInfo>();
  for (let wanted: readonly string[] = [top]; wanted.length > 0;) {
    const missing = wanted.filter((each) => !known.has(each));
    const own = await ownPaths(missing, signal);
    const answered = await askCaches(
      missing.filter((each) => !own.has(each)),
      caches,
      ask,
    );
    if (answered === null) return null;
    for (const each of [...own.values(), ...answered]) found.set(each.path, each);
    for (const each of wanted) {
      const info = known.get(each);
      if (info !== undefined) found.set(each, info);
    }
    wanted = [...new Set([...found.values()].flatMap(({ references }) => references))].filter(
      (each) => !found.has(each),
    );
  }
  return [...found.values()];
}

/** Whether a cache has a path. */
export async function isCached(storePath: string, settings: NixSettings, signal: AbortSignal): Promise<boolean> {
  const asking = { settings, signal, leftMs: () => FIRST_ANSWER_MS };
  return (await askCaches([storePath], await cachesOf(settings), asking)) !== null;
}

/** What the store of this machine has of some paths, with all that these refer to. */
async function ownPaths(paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, PathInfo>> {
  const there = (await Promise.all(paths.map(async (each) => ((await exists(each)) ? [each] : [])))).flat();
  const infos: PathInfo[] = [];
  for (const some of inBatches(there)) {
    const asked = await runNix('nix', pathInfo(some), { signal, background: true });
    if (asked.exitCode === 0) infos.push(...readPathInfo(asked.stdout));
  }
  return new Map(infos.map((each) => [each.path, each]));
}

interface Asking {
  readonly settings: NixSettings;
  readonly signal: AbortSignal;
  readonly leftMs: () => number;
}

/** What the caches, one after the other, know of some paths; `null` when one of the paths is in none. */
async function askCaches(
  paths: readonly string[],
  caches: readonly string[],
  asking: Asking,
): Promise<readonly PathInfo[] | null> {
  const found = new Map<string, PathInfo>();
  for (const cache of caches) {
    const left = paths.filter((each) => !found.has(each));
    for (const some of inBatches(left))
      for (const each of await askCache(some, cache, asking)) found.set(each.path, each);
  }
  return paths.every((each) => found.has(each)) ? [...found.values()] : null;
}

async function askCache(
  paths: readonly string[],
  cache: string,
  { settings, signal, leftMs }: Asking,
): Promise<readonly PathInfo[]> {
  if (performance.now() < (silentUntil.get(cache) ?? 0)) return [];
  const timeoutMs = Math.min(leftMs(), paths.length === 1 ? FIRST_ANSWER_MS : CLOSURE_MS);
  if (timeoutMs <= 0) return [];
  const asked = await runNix('nix', pathInfoOfCache(paths, cache, settings), { signal, background: true, timeoutMs });
  if (asked.exitCode === 0) return readPathInfo(asked.stdout);
  silentUntil.set(cache, performance.now() + SILENT_MS);
  return [];
}

/** How long what Nix says of its configuration is believed: hosts of one run are compared one after the other. */
const CONFIGURED_MS = 60_000;
const configured = new Map<string, { readonly asked: Promise<readonly string[]>; readonly until: number }>();

/** The caches that this machine fetches from, as it is configured and as the run asks. */
function cachesOf({ options }: NixSettings): Promise<readonly string[]> {
  const key = JSON.stringify(options);
  const known = configured.get(key);
  if (known !== undefined && performance.now() < known.until) return known.asked;
  const asked = askForCaches(options);
  configured.clear();
  configured.set(key, { asked, until: performance.now() + CONFIGURED_MS });
  return asked;
}

async function askForCaches(options: NixSettings['options']): Promise<readonly string[]> {
  const configuration = await nixConfiguration(options);
  if (configuration?.substitute?.value === false) return [];
  const caches = configuration?.substituters?.value;
  return Array.isArray(caches) ? caches.filter((each): each is string => typeof each === 'string') : [];
}
