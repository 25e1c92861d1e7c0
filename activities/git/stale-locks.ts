import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** Git holds the lock of a ref or of a configuration file for moments; one that is older has lost its process. */
const STALE_MS = 60_000;

/** Names of objects and packs that are being written. */
const UNFINISHED = /^(?:tmp_(?:pack|idx|rev|bitmap|obj)_|\.tmp-)/;
/** What others than a fetch write at a time is smaller: candidates travel in bundles of about a kilobyte. */
const LARGE_BYTES = 64 * 1024 * 1024;

/**
 * Removes what a fetch into a mirror left when it was cut off or killed: packs of many gigabytes, among others. Call it under the
 * mirror's mutex. What another Git writes at this moment stays, and so does what is small, until it is old.
 */
export async function removeUnfinished(mirror: string): Promise<void> {
  const objects = path.join(mirror, 'objects');
  for (const folder of await readdir(objects).catch(() => [])) {
    if (folder !== 'pack' && !/^[0-9a-f]{2}$/.test(folder)) continue;
    for (const name of await readdir(path.join(objects, folder)).catch(() => [])) {
      if (!UNFINISHED.test(name)) continue;
      const file = path.join(objects, folder, name);
      const found = await stat(file).catch(() => null);
      if (found !== null && (found.size >= LARGE_BYTES || Date.now() - found.mtimeMs > STALE_MS))
        await rm(file, { force: true });
    }
  }
}

/**
 * Removes the `*.lock` files that a Git process left in a mirror when it was killed: with them every later fetch fails.
 * Objects and work trees are not looked into.
 */
export async function removeStaleLocks(mirror: string): Promise<void> {
  const top = await readdir(mirror);
  const below = await readdir(path.join(mirror, 'refs'), { recursive: true });
  const locks = [...top, ...below.map((file) => path.join('refs', file))].filter((file) => file.endsWith('.lock'));
  for (const lock of locks) {
    const file = path.join(mirror, lock);
    const found = await stat(file).catch(() => null);
    if (found?.isFile() === true && Date.now() - found.mtimeMs > STALE_MS) await rm(file, { force: true });
  }
}
