import { oneLine } from '../../model/text/one-line.js';
import { CommandError } from '../errors.js';
import { hasConfiguration, loadConfiguration, type ConfigFlags } from '../options/config-file.js';
import { suggest } from '../terminal/suggest.js';
import { fail, ok, warn, type Finding } from './finding.js';
import { cachesOf, cacheWords, checkCaches } from './tried-caches.js';

/** Whether the caches of the configuration answer, and their keys can be used. Nothing is uploaded. */
export async function checkCachesOf(flags: ConfigFlags): Promise<readonly Finding[]> {
  if (flags.config === undefined && !(await hasConfiguration())) return [];
  try {
    const listed = await checkCaches(cachesOf(await loadConfiguration(flags), null), 'reach');
    return listed.map((each) => {
      const name = `cache ${oneLine(each.cache)}`;
      if (each.fault === null) return ok(name, cacheWords(each));
      const wayOut = `see docs/caches.md; "${suggest('caches --check')}" also uploads something small`;
      return (each.required ? fail : warn)(name, oneLine(each.fault, 500), wayOut);
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [warn('caches', oneLine(error.message, 500), `"${suggest('config check')}" says all of it`)];
  }
}
