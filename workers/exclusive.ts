import { realpath } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { lockAddress } from '../model/lock-address.js';
import type { StateDirectory } from '../model/state-directory.js';

/**
 * Makes this process the only one of its kind on a state directory, until it dies. The lock is a listening socket in
 * Linux's abstract namespace (unix(7)): the kernel gives it back however the process ends, so that no lock file can be
 * left behind and no pid can be mistaken for another.
 * @returns false when another process holds it
 */
export async function claim(state: StateDirectory, role: 'worker' | 'server'): Promise<boolean> {
  const place = lockAddress(role, await realpath(state.root));
  const server = createServer((socket) => socket.destroy());
  return await new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(place, () => {
      server.unref();
      resolve(true);
    });
  });
}

/** Whether a process of a kind lives on a state directory: it has claimed it before it does anything there. */
export async function isClaimed(state: StateDirectory, role: 'worker' | 'server'): Promise<boolean> {
  const socket = connect(lockAddress(role, await realpath(state.root)));
  return await new Promise((resolve) => {
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
