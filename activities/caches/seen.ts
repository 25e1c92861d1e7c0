import type { PathInfo } from '../../model/closure/path-info.js';

/** Paths that were seen to be all right, of the newest uploads of runs to caches. */
const seen = new Map<string, Set<string>>();
const UPLOADS_KEPT = 50;

/** What one run has seen of one cache: hosts share most of their closures, and each path is looked up once a run. */
export interface SeenInRun {
  readonly unseen: (paths: readonly PathInfo[]) => readonly PathInfo[];
  readonly note: (paths: Iterable<PathInfo>) => void;
}

export function seenInRun(run: string, cache: string): SeenInRun {
  const key = `${run}\n${cache}`;
  const known = seen.get(key) ?? new Set<string>();
  seen.delete(key);
  seen.set(key, known);
  for (const old of [...seen.keys()].slice(0, -UPLOADS_KEPT)) seen.delete(old);
  return {
    unseen: (paths) => paths.filter((info) => !known.has(info.path)),
    note: (paths) => {
      for (const info of paths) known.add(info.path);
    },
  };
}
