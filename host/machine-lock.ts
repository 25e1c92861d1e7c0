import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open, stat, unlink, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from '../model/machine/state-directory.js';
import { readJson } from './files.js';

/** What the holder of a lock writes into it, for people. */
export interface LockHolder extends ProcessIdentity {
  /** What it does, in a word or two. */
  readonly what: string;
  /** ISO 8601 */
  readonly since: string;
}

export interface MachineLock {
  /** Whether the lock is still what others find at its place: it is not when its folder was removed or made anew. */
  isInPlace(): Promise<boolean>;
  /** Gives it back, and removes its file. A process that ends gives it back as well, however it ends. */
  release(): Promise<void>;
}

/** One that only looks has the lock for a moment. */
const TRIES = 4;
const PAUSE_MS = 50;

/** A file that nobody refers to is closed, and its lock given back. */
const openLocks = new Set<FileHandle>();

/**
 * Takes a lock between processes: flock(2) on a file, which the kernel gives back when the last process that has it open ends. Node
 * cannot ask for one, so flock(1) does, for the open file that it inherits; the lock stays with that when flock(1) is gone.
 * @param file in a folder that is there, and that no other account may write to
 * @returns `null` when another process has it
 */
export async function takeLock(file: string, self: ProcessIdentity, what: string): Promise<MachineLock | null> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (attempt > 0) await sleep(PAUSE_MS);
    const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    openLocks.add(handle);
    const close = async (): Promise<void> => {
      openLocks.delete(handle);
      await handle.close();
    };
    try {
      // The one before may have removed the file when it gave the lock back.
      if ((await flock(handle, '-x')) && (await isAt(handle, file))) {
        const holder: LockHolder = { ...self, what, since: new Date().toISOString() };
        await handle.truncate();
        await handle.write(`${JSON.stringify(holder)}\n`, 0);
        return {
          isInPlace: () => isAt(handle, file),
          release: async () => {
            if (await isAt(handle, file)) await unlink(file).catch(() => undefined);
            await close();
          },
        };
      }
    } catch (error) {
      await close();
      throw error;
    }
    await close();
  }
  return null;
}

export async function isLocked(file: string): Promise<boolean> {
  const handle = await open(file, 'r').catch(() => null);
  if (handle === null) return false;
  try {
    return !(await flock(handle, '-s'));
  } finally {
    await handle.close();
  }
}

/** Who took a lock last, by its own word; `null` when that cannot be read. */
export const lastHolder = (file: string): Promise<LockHolder | null> => readJson<LockHolder>(file).catch(() => null);

const isAt = async (handle: FileHandle, file: string): Promise<boolean> => {
  const [own, there] = await Promise.all([handle.stat(), stat(file).catch(() => null)]);
  return there !== null && there.ino === own.ino && there.dev === own.dev;
};

const HELD_STATUS = 1;

/** In the words of util-linux and BusyBox: `-x` exclusive, `-s` shared. @returns false when another process has it */
function flock(handle: FileHandle, how: '-x' | '-s'): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-n', how, '3'], { stdio: ['ignore', 'ignore', 'ignore', handle.fd] });
    child.once('error', (error) => {
      reject(new Error(`flock cannot be run, and locks need it (${error.message}): install util-linux`));
    });
    child.once('exit', (code, signal) => {
      if (code === 0) resolve(true);
      else if (code === HELD_STATUS) resolve(false);
      else
        reject(
          new Error(`flock failed for a lock of the state directory (${signal ?? `exit status ${String(code)}`})`),
        );
    });
  });
}
