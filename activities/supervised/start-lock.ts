import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from '../../model/machine/state-directory.js';
import { isAlive, ownIdentity } from '../../host/processes.js';
import { createWhole, hasFields, makeFolder, readJson, writeWhole } from '../../host/files.js';
import { names } from './record.js';

const PREFIX = 'start.lock.';
const POLL_MS = 50;

type Holder = ProcessIdentity | { readonly released: true };

/**
 * Does something that at most one attempt may do at a time for a record, across attempts of one worker and processes.
 *
 * The lock is a chain of files `start.lock.N`; the highest one decides, and it is never removed. It is free when its
 * holder released it or is dead; then N+1 is taken by a hard link, which exactly one taker can make. A taker that was
 * slow enough to make a file below the highest takes it back. So nobody ever removes a lock that somebody else holds,
 * which breaking one stale file cannot promise.
 */
export async function withStartLock<T>(directory: string, action: () => Promise<T>): Promise<T> {
  const taken = await take(directory);
  try {
    return await action();
  } finally {
    const released: Holder = { released: true };
    await writeWhole(path.join(directory, `${PREFIX}${taken}`), JSON.stringify(released));
  }
}

async function take(directory: string): Promise<number> {
  const self = await ownIdentity();
  await makeFolder(directory);
  for (;;) {
    const highest = Math.max(0, ...(await numbers(directory)));
    if (highest === 0 || (await isFree(directory, highest))) {
      const mine = highest + 1;
      if (await createWhole(path.join(directory, `${PREFIX}${mine}`), JSON.stringify(self))) {
        const all = await numbers(directory);
        const others = all.filter((number) => number !== mine);
        if (Math.max(...all) === mine) {
          for (const number of others) await rm(path.join(directory, `${PREFIX}${number}`), { force: true });
          return mine;
        }
        await rm(path.join(directory, `${PREFIX}${mine}`), { force: true });
      }
    }
    await sleep(POLL_MS);
  }
}

async function isFree(directory: string, number: number): Promise<boolean> {
  const holder = await readJson<Holder>(path.join(directory, `${PREFIX}${number}`), isHolder);
  return holder === null || 'released' in holder || !(await isAlive(holder));
}

const isHolder = (value: unknown): value is Holder =>
  hasFields<{ released: true }>('released')(value) || hasFields<ProcessIdentity>('pid', 'bootId', 'startTime')(value);

const numbers = async (directory: string): Promise<number[]> =>
  (await names(directory)).flatMap((name) => {
    const match = /^start\.lock\.(\d+)$/.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
