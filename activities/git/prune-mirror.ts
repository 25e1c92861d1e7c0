import { randomBytes } from 'node:crypto';
import { readdir, rename, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { finalFailure } from '../../model/run/failures.js';
import { whyNotRemoved } from '../files/remove-tree.js';
import { openGit } from './git.js';
import { exclusively } from './mutex.js';

/** Begins the name of a folder that is being removed: whatever reads it, it is none of ours any more. */
export const REMOVING = '.removing-';

const REFS = 'refs/lockkeeper';

export interface FoundMirror {
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly usedAt: number;
  readonly refs: readonly { readonly name: string; readonly usedAt: number }[];
}

/** The mirrors of a machine, when each was last used, and the commits that are kept in it. */
export async function findMirrors(state: StateDirectory): Promise<readonly FoundMirror[]> {
  const names = (await readdir(state.mirrors).catch(() => [])).filter((name) => name.endsWith('.git'));
  return Promise.all(
    names.map(async (name): Promise<FoundMirror> => {
      const mirror = path.join(state.mirrors, name);
      return { path: mirror, usedAt: await lastUse(mirror), refs: await findRefs(mirror) };
    }),
  );
}

/** Set by each activity that asks for the mirror; Git alone sets the second one in mirrors of earlier versions. */
async function lastUse(mirror: string): Promise<number> {
  const times = [mirror, path.join(mirror, 'FETCH_HEAD')].map(time);
  return Math.max(...(await Promise.all(times)));
}

const time = (file: string): Promise<number> =>
  stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );

async function findRefs(mirror: string): Promise<FoundMirror['refs']> {
  const listed = await openGit(mirror)
    .attempt(['for-each-ref', '--format=%(refname)', REFS])
    .catch(() => null);
  const names = listed?.exitCode === 0 ? listed.stdout.split('\n').filter(Boolean) : [];
  const packed = await time(path.join(mirror, 'packed-refs'));
  // A packed ref has no time of its own, and is not younger than the file that holds it.
  return Promise.all(names.map(async (name) => ({ name, usedAt: (await time(path.join(mirror, name))) || packed })));
}

/**
 * Removes a mirror as a whole: nobody sees a part of it. To be called only where no other process serves this state
 * directory.
 * @param usedAt when it was last used as far as the caller knows; when it was used since, it stays
 * @returns whether it was removed
 */
export const removeMirror = (mirror: string, usedAt: number): Promise<boolean> =>
  exclusively(mirror, async () => {
    if ((await lastUse(mirror)) !== usedAt) return false;
    await removeFolder(mirror);
    return true;
  });

/**
 * Removes refs of a mirror, and lets Git collect what they alone kept. What Git finds too young to collect stays, so that a
 * fetch that is under way loses nothing. As `removeMirror` otherwise.
 */
export const removeRefs = (mirror: string, refs: readonly string[], usedAt: number): Promise<boolean> =>
  exclusively(mirror, async () => {
    if ((await lastUse(mirror)) !== usedAt) return false;
    const git = openGit(mirror);
    try {
      await git.run(['update-ref', '--stdin'], { input: refs.map((ref) => `delete ${ref}\n`).join('') });
      // Collection is turned off for all other commands; packed refs would lose the time of their use.
      await git.run([...COLLECTING, 'gc', '--quiet', '--auto']);
    } finally {
      const used = new Date(usedAt);
      await utimes(mirror, used, used);
    }
    return true;
  });

const COLLECTING = ['gc.auto=1000', 'gc.autoDetach=false', 'gc.packRefs=false'].flatMap((each) => ['-c', each]);

/** Removes a folder so that one moment it is there whole, and the next it is gone; a killed removal leaves another name. */
export async function removeFolder(folder: string): Promise<void> {
  const going = path.join(path.dirname(folder), `${REMOVING}${randomBytes(6).toString('hex')}`);
  await rename(folder, going);
  const why = await whyNotRemoved(going);
  if (why !== null) throw finalFailure('NotRemoved', `${going} cannot be removed: ${why}`);
}
