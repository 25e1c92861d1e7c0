import { lstat, realpath, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { NotifierFault } from './fault.js';

/**
 * Looks that what a worker of root has opened belongs to whoever decided where the path leads: the first account but root that owns a
 * folder or a link on the way. Links of theirs could lead root to a file of the system, to which their own text would be written.
 * @param isNew whether the file was made by opening it: then its folder counts, and it is removed again
 * @throws NotifierFault
 */
export async function refuseOthersFile(handle: FileHandle, file: string, isNew: boolean): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const decides = await firstOwner(file);
  if (decides === null) return;
  // What was opened, wherever the path may lead by now.
  const real = await realpath(`/proc/self/fd/${handle.fd}`);
  const { uid } = isNew ? await stat(path.dirname(real)) : await handle.stat();
  if (uid === decides) return;
  if (isNew) await rm(real);
  throw new NotifierFault(
    `leads to ${real}, of another account than the one that owns the way to it: name the file itself, or give it to that account (chown)`,
  );
}

/** `null` when all on the way is root's. */
async function firstOwner(file: string): Promise<number | null> {
  const above = path.dirname(file) === file ? null : await firstOwner(path.dirname(file));
  if (above !== null) return above;
  const uid = (await lstat(file).catch(() => null))?.uid ?? 0;
  return uid === 0 ? null : uid;
}
