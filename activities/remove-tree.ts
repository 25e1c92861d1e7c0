import { chmod, lstat, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * Removes a folder with all that is in it, also where somebody else's program has taken our own rights away: stores of Nix and
 * caches of Go hold folders that cannot be written to. Does nothing when there is none.
 */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    if (!isRefused(error)) throw error;
    await unlock(folder);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Gives the owner the rights that reading and removing take. Links are left alone, and what they lead to. */
export async function unlock(file: string): Promise<void> {
  const found = await lstat(file).catch(() => null);
  if (found === null || found.isSymbolicLink()) return;
  const wanted = found.mode | (found.isDirectory() ? 0o700 : 0o400);
  if (wanted !== found.mode) await chmod(file, wanted & 0o7777);
  if (!found.isDirectory()) return;
  for (const name of await readdir(file)) await unlock(path.join(file, name));
}

const isRefused = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
