import path from 'node:path';
import { readBounded } from '../../../host/bounded-file.js';
import { systemCode } from '../../../host/errors.js';
import { packagesToCheck, productNames, vulnerabilityChange } from '../../../model/closure/vulnerabilities.js';
import { STALE_DAYS, type VulnerabilityChange } from '../../../model/advisories/vulnerability.js';
import { readProducts, readWhitelist } from '../../../model/advisories/whitelist.js';
import type { Closure } from '../../../model/closure/closure.js';
import type { StateDirectory } from '../../../model/machine/state-directory.js';
import { DAY_MS } from '../../../model/text/span.js';
import { oneLine } from '../../../model/text/one-line.js';
import { openIndex } from './advisory-index.js';

/** Of `whitelist.toml` and `products.toml`, in bytes. */
const TABLE_BYTES = 4 * 1024 ** 2;
/** Warnings that are told one by one. */
const WARNINGS = 5;

/**
 * Which known vulnerabilities come and go between two closures.
 * @param folder of advisories, with `whitelist.toml` and `products.toml` where the owner has any
 */
export async function compareVulnerabilities(
  state: StateDirectory,
  folder: string,
  { paths: before }: Closure,
  { paths: after }: Closure,
  signal: AbortSignal,
): Promise<VulnerabilityChange> {
  try {
    const own = await readTable(folder, 'products.toml', readProducts, new Map());
    const suppressions = await readTable(folder, 'whitelist.toml', readWhitelist, []);
    const index = await openIndex(state, folder, signal);
    if (index.entries === 0) return notChecked([`there is no advisory in ${folder}`, ...index.faults].join('; '));
    const packages = packagesToCheck(before, after, own.value);
    const now = Date.now();
    const day = new Date(now).toISOString().slice(0, 10);
    const over = suppressions.value.filter(({ until }) => until !== null && until < day);
    const warnings = [
      ...own.faults,
      ...suppressions.faults,
      ...over.map(({ name, ids, until }) => `whitelist.toml: "${name}" (${ids.join(', ')}) ended on ${until ?? ''}`),
      ...index.faults,
    ].map((warning) => oneLine(warning, 200));
    const rest = warnings.length - WARNINGS;
    return {
      kind: 'checked',
      newest: index.newest,
      stale: index.newest === null || now - Date.parse(index.newest) > STALE_DAYS * DAY_MS,
      ...vulnerabilityChange(packages, await index.find(productNames(packages, own.value)), {
        own: own.value,
        suppressions: suppressions.value,
        day,
      }),
      warnings: [...warnings.slice(0, WARNINGS), ...(rest > 0 ? [`and ${rest} more warnings`] : [])],
    };
  } catch (error) {
    signal.throwIfAborted();
    const code = systemCode(error);
    if (code === null) throw error;
    return notChecked(code === 'ENOENT' ? `${folder} is not there` : `${folder} cannot be read: ${code}`);
  }
}

const notChecked = (reason: string): VulnerabilityChange => ({ kind: 'not-checked', reason: oneLine(reason, 300) });

/** A table that the owner may have beside the advisories. One that is wrong counts as empty, and is said. */
async function readTable<T>(
  folder: string,
  name: string,
  read: (parsed: unknown) => T,
  none: T,
): Promise<{ readonly value: T; readonly faults: readonly string[] }> {
  try {
    const { parse } = await import('smol-toml');
    return { value: read(parse(await readBounded(path.join(folder, name), TABLE_BYTES))), faults: [] };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { value: none, faults: [] };
    return { value: none, faults: [`${name}: ${error instanceof Error ? error.message : String(error)}`] };
  }
}
