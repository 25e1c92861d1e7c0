import { createHash } from 'node:crypto';

/**
 * Address of the lock by which Lockkeeper 0.1.0 knew whether there is a worker, or a keeper of the server: a socket in Linux's
 * abstract namespace (unix(7)). Workflows must not import this: it hashes with node:crypto.
 * @param root real path of the state directory
 */
export const earlierLockAddress = (role: string, root: string): string =>
  `\0lockkeeper/${createHash('sha256').update(root).digest('hex').slice(0, 32)}/${role}`;
