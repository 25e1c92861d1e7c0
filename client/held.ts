import { realpath } from 'node:fs/promises';
import { connect } from 'node:net';
import { lockAddress } from '../model/lock-address.js';
import type { StateDirectory } from '../model/state-directory.js';

/** Whether a process holds a state directory as its worker, also one that is starting or ending. */
export async function isHeld(role: 'worker', state: StateDirectory): Promise<boolean> {
  const place = lockAddress(role, await realpath(state.root));
  return await new Promise((resolve) => {
    const socket = connect(place);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
