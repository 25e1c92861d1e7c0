import path from 'node:path';
import { readBounded } from '../../../host/bounded-file.js';
import { systemCode } from '../../../host/errors.js';
import {
  changedPackages,
  packagesToCheck,
  productNames,
  versionedPackages,
  vulnerabilityChange,
} from '../../../model/closure/vulnerabilities.js';
import type { Sides } from '../../../model/closure/by-package.js';
import { productsBy } from '../../../model/advisories/products.js';
import { STALE_DAYS, type VulnerabilityChange } from '../../../model/advisories/vulnerability.js';
import { readProducts, readWhitelist } from '../../../model/advisories/whitelist.js';
import type { Closure } from '../../../model/closure/closure.js';
import type { StateDirectory } from '../../../model/machine/state-directory.js';
import { DAY_MS } from '../../../model/text/span.js';
import { oneLine } from '../../../model/text/one-line.js';
import { exclusively } from '../../git/mutex.js';
import { openIndex } from './advisory-index.js';
import type { Identifiers } from './read-identifiers.js';

/** Of `whitelist.toml` and `products.toml`, in bytes. */
const TABLE_BYTES = 4 * 1024 ** 2;
const WARNINGS = 5;

/**
 * Which known vulnerabilities come and go between two closures.
 * @param folder of advisories, with `whitelist.toml` and `products.toml` where the owner has any
 * @param identify tells what packages say to be; what keeps it from that costs the exact matches alone
 */
export const compareVulnerabilities = (...about: Parameters<typeof compareInTurn>): Promise<VulnerabilityChange> =>
  exclusively('known vulnerabilities', () => compareInTurn(...about));

/** Targets take turns: the first one brings the index up to date, and evaluates for all of them. */
async function compareInTurn(
  state: StateDirectory,
  folder: string,
  { paths: before }: Closure,
  { paths: after }: Closure,
  identify: (packages: ReadonlyMap<string, Sides>) => Promise<Identifiers>,
  signal: AbortSignal,
): Promise<VulnerabilityChange> {
  try {
    const own = await readTable(folder, 'products.toml', readProducts, new Map());
    const suppressions = await readTable(folder, 'whitelist.toml', readWhitelist, []);
    const index = await openIndex(state, folder, signal);
    if (index.entries === 0) return notChecked([`there is no advisory in ${folder}`, ...index.faults].join('; '));
    const all = versionedPackages(before, after);
    // What the owner says of a package is not asked.
    const asked = [...changedPackages(all)].filter(([name]) => !own.value.has(name));
    const exact = await identify(new Map(asked));
    const products = productsBy(own.value, exact.products);
    const packages = packagesToCheck(all, products);
    const now = Date.now();
    const day = new Date(now).toISOString().slice(0, 10);
    const over = suppressions.value.filter(({ until }) => until !== null && until < day);
    const warnings = [
      ...own.faults,
      ...suppressions.faults,
      ...over.map(({ name, ids, until }) => `whitelist.toml: "${name}" (${ids.join(', ')}) ended on ${until ?? ''}`),
      ...(exact.fault === null ? [] : [`identifiers of packages could not be read: ${exact.fault}`]),
      ...index.faults,
    ].map((warning) => oneLine(warning, 200));
    const rest = warnings.length - WARNINGS;
    return {
      kind: 'checked',
      newest: index.newest,
      stale: index.newest === null || now - Date.parse(index.newest) > STALE_DAYS * DAY_MS,
      ...vulnerabilityChange(packages, await index.find(productNames(packages, products)), {
        products,
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
