import type { PathInfo } from '../../../model/closure/path-info.js';
import { sideBySide } from '../../side-by-side.js';
import { parseNarInfo, type SeenPath } from '../narinfo.js';

/** Paths that a cache is asked about at once. */
export const AT_ONCE = 50;

/** A place that holds narinfo files and the archives that they name. */
interface Shelf {
  /** Text of a path's narinfo; `null` when it is not there. */
  readonly narInfo: (storePath: string) => Promise<string | null>;
  readonly hasArchive: (archive: string) => Promise<boolean>;
}

/** What is there of some paths; those that are not are left out. */
export async function seenOn(
  { narInfo, hasArchive }: Shelf,
  paths: readonly PathInfo[],
): Promise<ReadonlyMap<string, SeenPath>> {
  const seen = await sideBySide(paths, AT_ONCE, async (info): Promise<readonly (readonly [string, SeenPath])[]> => {
    const text = await narInfo(info.path);
    const found = text === null ? null : parseNarInfo(text);
    if (found === null) return [];
    return [[info.path, { ...found, hasArchive: found.archive !== null && (await hasArchive(found.archive)) }]];
  });
  return new Map(seen.flat());
}
