import { readCache, cacheTable } from '../../model/config/cache.js';
import { BadInput } from '../../model/checks/names.js';
import { oneLine } from '../../model/text/one-line.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { cachesOf, cacheWords, checkCaches, type ListedCache, type NamedCache } from '../doctor/tried-caches.js';
import { loadConfiguration, type ConfigFlags } from '../options/config-file.js';
import { pad, width } from '../progress/width.js';
import { message, paintFor, result, resultJson } from '../terminal/output.js';

export interface CacheFlags extends ConfigFlags {
  readonly cache?: readonly string[];
  readonly check?: true;
}

/**
 * `lockkeeper caches [INSTANCE]`: the caches of instances, with which keys, and whether each can be used from this machine. Exit status
 * 1 when a required one cannot.
 */
export async function caches(
  context: CommandContext,
  instance: string | null,
  { cache, check, ...flags }: CacheFlags,
): Promise<number> {
  const named = cache === undefined ? cachesOf(await loadConfiguration(flags), instance) : cachesOfFlags(cache);
  const listed = await checkCaches(named, check === true ? 'write' : 'files');
  if (context.json) resultJson(listed);
  else if (listed.length === 0) message('No instance has caches: docs/caches.md says how to name one.');
  else result(cacheTableOf(listed));
  return listed.some(({ required, fault }) => required && fault !== null) ? 1 : 0;
}

/** @throws CommandError when one of them is not a cache */
function cachesOfFlags(words: readonly string[]): readonly NamedCache[] {
  try {
    return words.map((word) => {
      const typed = cacheTable.typed?.([word], '--cache');
      return { cache: readCache(typed, '--cache'), instances: [], options: [] };
    });
  } catch (error) {
    throw error instanceof BadInput ? new CommandError(error.message) : error;
  }
}

function cacheTableOf(listed: readonly ListedCache[]): string {
  const style = paintFor(process.stdout);
  const names = listed.map(({ cache }) => oneLine(cache));
  const room = Math.max(...names.map(width));
  return listed
    .map((each, index) => {
      const { fault, required, instances } = each;
      const whose = instances.length === 0 ? '' : `  (${instances.map((name) => oneLine(name)).join(', ')})`;
      const line = `${pad(names[index] ?? '', room)}  ${cacheWords(each)}${whose}`;
      if (fault === null) return line;
      return `${line}\n  ${(required ? style.red : style.yellow)(`✘ ${oneLine(fault, 1000)}`)}`;
    })
    .join('\n');
}
