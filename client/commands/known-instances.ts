import { configuredNames, type ConfigFlags } from '../options/config-file.js';
import { result } from '../terminal/output.js';

/**
 * `lockkeeper known-instances`: names of the configured instances, for completion. No server is asked and the configuration is not
 * checked, so that it answers at once; and it fails at nothing.
 */
export async function knownInstances(flags: ConfigFlags): Promise<number> {
  const names = await configuredNames(flags);
  if (names.length > 0) result(names.join('\n'));
  return 0;
}
