import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface Measure {
  readonly bytes: number;
  /** Newest and oldest change of a file, in milliseconds since 1970; of the folder itself when it holds none. */
  readonly newest: number;
  readonly oldest: number;
}

/** Bytes on the disk and times of a file or of all files below a folder. Links are not followed; what goes meanwhile counts nothing. */
export async function measure(path: string): Promise<Measure> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return { bytes: 0, newest: 0, oldest: 0 };
  // Long logs have holes.
  const own = { bytes: Math.min(found.size, found.blocks * 512), newest: found.mtimeMs, oldest: found.mtimeMs };
  if (!found.isDirectory()) return own;
  let bytes = 0;
  let newest = -Infinity;
  let oldest = Infinity;
  for (const name of await readdir(path).catch(() => [])) {
    const below = await measure(join(path, name));
    // A folder's time changes with every removal in it: only files tell when something was last used.
    bytes += below.bytes;
    newest = Math.max(newest, below.newest);
    oldest = Math.min(oldest, below.oldest);
  }
  return Number.isFinite(newest) ? { bytes, newest, oldest } : { ...own, bytes: 0 };
}
