import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ownIdentity } from '../host/processes.js';
import { ownListenerAt } from '../host/listening.js';
import { lastHolder, takeLock, type MachineLock } from '../host/machine-lock.js';
import { lockFile, type LockRole, type StateDirectory } from '../model/machine/state-directory.js';

/** Another process of the kind, which has to end first. */
export interface Rival {
  readonly pid: number | null;
  /** Whether it is of Lockkeeper 0.1.0, which knows another lock. */
  readonly isEarlier: boolean;
}

export type Claim = { readonly kind: 'ours'; readonly lock: MachineLock } | ({ readonly kind: 'taken' } & Rival);

/** Makes this process the only one of its kind on a state directory, until it ends, however it does. */
export async function claim(state: StateDirectory, role: LockRole): Promise<Claim> {
  const file = lockFile(state, role);
  const lock = await takeLock(file, await ownIdentity(), role);
  if (lock === null) return { kind: 'taken', pid: (await lastHolder(file))?.pid ?? null, isEarlier: false };
  const earlier = await claimAsEarlier(earlierLockAddress(role, await realpath(state.root)));
  if (earlier === null) return { kind: 'ours', lock };
  await lock.release();
  return { kind: 'taken', pid: earlier, isEarlier: true };
}

/**
 * Address of the lock by which Lockkeeper 0.1.0 knew whether there is a worker, or a keeper of the server: a socket in Linux's
 * abstract namespace (unix(7)).
 * @param root real path of the state directory
 */
export const earlierLockAddress = (role: string, root: string): string =>
  `\0lockkeeper/${createHash('sha256').update(root).digest('hex').slice(0, 32)}/${role}`;

/**
 * Lockkeeper 0.1.0 knows its rivals by an abstract socket, whose name anybody can take: here it is taken where it is free, so that
 * such a process stays away, and passed over where another account has it.
 * @returns pid of a process of this account that has it
 */
function claimAsEarlier(address: string): Promise<number | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', () => {
      ownListenerAt(address).then(resolve, reject);
    });
    server.listen(address, () => {
      server.unref();
      resolve(null);
    });
  });
}

const KINDS: Readonly<Record<LockRole, string>> = { worker: 'a worker', server: 'a keeper of the embedded server' };

/** Why a second process of a kind does not start, as a sentence. */
export function rivalFault(role: LockRole, root: string, { pid, isEarlier }: Rival): string {
  const who = `${KINDS[role]}${isEarlier ? ' of Lockkeeper 0.1.0' : ''}`;
  const known = pid === null ? '' : ` (pid ${pid})`;
  return `${who} already runs on the state directory ${root}${known}: stop it, or give another --state-dir`;
}
