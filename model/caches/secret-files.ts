import type { Cache } from './types.js';

/** Files of a cache that nobody but the worker's user may read. */
export const secretFilesOfCache = ({
  secretKeyFile,
  netrcFile,
  credentialsFile,
  sshKeyFile,
  tokenFile,
}: Cache): readonly string[] =>
  [secretKeyFile, netrcFile, credentialsFile, sshKeyFile, tokenFile].filter((file) => file !== undefined);
