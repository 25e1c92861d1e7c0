import { createHash } from 'node:crypto';

/** A run's id as one path component: ids are made of safe characters, anything else is hashed instead of trusted. */
export const runDirectoryName = (run: string): string =>
  /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/.test(run) ? run : createHash('sha256').update(run).digest('hex');
