import type { PathInfo } from '../../../model/closure/path-info.js';
import { sideBySide } from '../../side-by-side.js';
import { parseNarInfo, type SeenPath } from '../narinfo.js';

/** Paths that a cache is asked about at once. */
export const AT_ONCE = 50;

/** A place that holds narinfo files and the archives that they name. */
interface Shelf {
  /** Text of a path's narinfo; `null` when it is not there. */
  readonly narInfo: (storePath: string) => Promise<string | null>;
  /** Bytes of an archive; `null` when it is not there, 'unknown' when it is, and nobody says how long it is. */
  readonly archiveBytes: (archive: string) => Promise<number | null | 'unknown'>;
}

/** What is seen of a path whose narinfo is cut: Nix stumbles over it, so it is to go, as one without its archive is. */
const cut = ({ path, narHash = '' }: PathInfo): SeenPath => ({
  ...{ storePath: path, narHash, signatures: [], isContentAddressed: false, hasArchive: false },
});

/** What is there of some paths; those that are not are left out. */
export async function seenOn(
  { narInfo, archiveBytes }: Shelf,
  paths: readonly PathInfo[],
): Promise<ReadonlyMap<string, SeenPath>> {
  const seen = await sideBySide(paths, AT_ONCE, async (info): Promise<readonly (readonly [string, SeenPath])[]> => {
    const text = await narInfo(info.path);
    if (text === null) return [];
    const found = parseNarInfo(text);
    if (found === null) return [[info.path, cut(info)]];
    const bytes = found.archive === null ? null : await archiveBytes(found.archive);
    const isWhole = found.archiveBytes === null || bytes === 'unknown' || bytes === found.archiveBytes;
    return [[info.path, { ...found, hasArchive: bytes !== null && isWhole }]];
  });
  return new Map(seen.flat());
}
