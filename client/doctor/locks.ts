import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isLocked, lastHolder } from '../../host/machine-lock.js';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { isAlive } from '../../host/processes.js';
import { ok, warn, type Finding } from './finding.js';

/** Which locks of the state directory are taken, by whom, and whether that process lives. */
export async function showLocks({ locks }: StateDirectory): Promise<readonly Finding[]> {
  const names = await readdir(locks).catch(() => []);
  const found = await Promise.all(names.sort().map((name) => showLock(name, join(locks, name))));
  const taken = found.filter((each) => each !== null);
  return taken.length === 0 ? [ok('locks', 'none is taken')] : taken;
}

async function showLock(lock: string, file: string): Promise<Finding | null> {
  const name = `lock ${lock}`;
  try {
    if (!(await isLocked(file))) return null;
  } catch (error) {
    return warn(name, error instanceof Error ? error.message : String(error), 'runs need it');
  }
  const holder = await lastHolder(file);
  if (holder === null) return ok(name, 'locked by an unknown process');
  const who = `locked by pid ${holder.pid} (${holder.what}) since ${holder.since}`;
  return (await isAlive(holder))
    ? ok(name, `${who}, which is running`)
    : warn(
        name,
        `${who}, which is not visible here`,
        'it runs in another container or on another machine: end it there',
      );
}
