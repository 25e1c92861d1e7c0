import { lstat, rename, rmdir, unlink } from 'node:fs/promises';
import { messageOf } from '../../model/text/message-of.js';
import { LEFT_BEHIND } from '../../model/machine/state-directory.js';
import { launch } from '../command/launcher.js';
import { systemCode } from '../../host/errors.js';

/**
 * Removes a folder with all that is in it, whatever somebody else's program has made there: folders that nobody may read or that lie
 * deeper than a path can be long, and a million files. Does nothing when there is none. What cannot be removed all the same
 * (another account's, or protected by an attribute) is put aside under a name by which `doctor` and `prune` find it: the folder
 * is free afterwards in any case.
 * @throws what keeps a folder from being renamed
 */
export async function removeTree(folder: string): Promise<void> {
  if (LEFT_BEHIND.test(folder) || (await whyNotRemoved(folder)) === null) return;
  await rename(folder, `${folder}.left-${Date.now()}`);
}

/** As `removeTree`, but what cannot be removed stays. @returns why, as a sentence without its end; `null` when it is gone */
export async function whyNotRemoved(folder: string): Promise<string | null> {
  if (await isUnlinked(folder)) return null;
  await remove(folder);
  if (await isGone(folder)) return null;
  // Somebody has taken our own rights away: stores of Nix and caches of Go hold folders that cannot be written to.
  await launch('chmod', ['--recursive', '--silent', 'u+rwX', '--', folder]);
  const said = await remove(folder);
  return (await isGone(folder)) ? null : said;
}

/** Files, links and empty folders need no process, and there may be thousands. @returns whether nothing is there any more */
async function isUnlinked(file: string): Promise<boolean> {
  try {
    await ((await lstat(file)).isDirectory() ? rmdir(file) : unlink(file));
  } catch (error) {
    return systemCode(error) === 'ENOENT';
  }
  return await isGone(file);
}

/** rm(1) goes from folder to folder, so it needs no long paths. It stays out of file systems that were mounted there. */
async function remove(folder: string): Promise<string> {
  const { stderr } = await launch('rm', ['--recursive', '--force', '--one-file-system', '--', folder]).catch(
    (error: unknown) => ({ stderr: messageOf(error) }),
  );
  return stderr.trim().split('\n')[0]?.slice(0, 500) ?? '';
}

const isGone = (folder: string): Promise<boolean> =>
  lstat(folder).then(
    () => false,
    (error: unknown) => systemCode(error) === 'ENOENT',
  );
