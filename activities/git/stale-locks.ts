import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** Git holds the lock of a ref or of a configuration file for moments; one that is older has lost its process. */
const STALE_MS = 60_000;

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
