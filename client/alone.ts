import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockAddress } from '../model/lock-address.js';
import { CommandError } from './errors.js';

const WAIT_MS = 30_000;

/**
 * Does something while no other process of this machine does the same for `key`. The lock is a listening socket in
 * Linux's abstract namespace (unix(7)), which the kernel gives back however the process ends.
 */
export async function alone<T>(key: string, work: () => Promise<T>): Promise<T> {
  const place = lockAddress('start', key);
  const deadline = Date.now() + WAIT_MS;
  let lock = await listen(place);
  while (lock === null) {
    if (Date.now() > deadline)
      throw new CommandError('Another command is starting a run of this repository, and does not get on: try again.');
    await sleep(25);
    lock = await listen(place);
  }
  try {
    return await work();
  } finally {
    lock.close();
  }
}

/** `null` when another process listens there. */
function listen(place: string): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(place, () => {
      resolve(server);
    });
  });
}
