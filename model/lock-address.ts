import { createHash } from 'node:crypto';

/**
 * Address of a lock between processes of one machine: a socket in Linux's abstract namespace (unix(7)), which the kernel
 * gives back however its holder ends. Workflows must not import this: it hashes with node:crypto.
 * @param what is held, for example `worker`
 * @param key of which there is one, for example the real path of a state directory
 */
export const lockAddress = (what: string, key: string): string =>
  `\0lockkeeper/${createHash('sha256').update(key).digest('hex').slice(0, 32)}/${what}`;
