import type { Repository } from '../../model/run/options.js';
import type { ActivityEnvironment } from '../environment.js';

/** Files and folders that nothing of an agent's must see: the state directory, and files with secrets of the worker and the run. */
export const hiddenFiles = (
  env: ActivityEnvironment,
  { transport: { sshKeyFile, knownHostsFile, httpsTokenFile } }: Repository,
  secretFiles: readonly (string | null)[],
): readonly string[] => [
  ...[env.state.root, ...(env.secretFiles ?? [])],
  ...[sshKeyFile, knownHostsFile, httpsTokenFile, ...secretFiles].filter((each) => each !== null),
];
