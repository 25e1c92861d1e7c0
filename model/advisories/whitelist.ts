import { isObject, texts } from './advisory.js';
import type { ProductTable } from './products.js';

/** Vulnerabilities that the owner does not want to read of. */
export interface Suppression {
  /** Package, perhaps with its version; `*`: all. */
  readonly name: string;
  readonly ids: readonly string[];
  /** Last day, `YYYY-MM-DD`; `null`: for good. */
  readonly until: string | null;
}

/**
 * Reads a whitelist of vulnix (its `whitelist.toml`, parsed). One that names no `cve` is refused: it would also hide what comes later.
 * @throws TypeError with a sentence that names the entry
 */
export function readWhitelist(parsed: unknown): readonly Suppression[] {
  if (!isObject(parsed)) throw new TypeError('it is not a table');
  return Object.entries(parsed).map(([name, entry]) => {
    if (!isObject(entry)) throw new TypeError(`"${name}" is not a table: write ["${name}"]`);
    const ids = typeof entry.cve === 'string' ? [entry.cve] : texts(entry.cve);
    if (ids.length === 0) throw new TypeError(`"${name}" names no vulnerability: write cve = ["CVE-2024-1234"]`);
    return { name, ids, until: readUntil(name, entry.until) };
  });
}

function readUntil(name: string, until: unknown): string | null {
  if (until === undefined) return null;
  const text = until instanceof Date ? until.toISOString().slice(0, 10) : until;
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)))
    throw new TypeError(`"until" of "${name}" is not a date: write until = "2027-01-31"`);
  return text;
}

/** Reads parsed `products.toml`: `name = "vendor:product"`, or a list. @throws TypeError with a sentence */
export function readProducts(parsed: unknown): ProductTable {
  if (!isObject(parsed)) throw new TypeError('it is not a table');
  const entries = Object.entries(parsed).map(([name, value]) => {
    const products = typeof value === 'string' ? [value] : texts(value);
    if (products.length === 0 || !products.every((each) => /^[^:\s]+:\S+$/.test(each)))
      throw new TypeError(`"${name}" has no product: write ${name} = "vendor:product"`);
    return [name, products] as const;
  });
  return new Map(entries);
}

/** Whether one is in force for a vulnerability of a package. */
export const suppresses =
  (day: string) =>
  ({ name, ids, until }: Suppression, found: Suppressible): boolean =>
    (until === null || day <= until) &&
    (name === '*' || name === found.name || found.versions.some((version) => name === `${found.name}-${version}`)) &&
    ids.some((id) => found.ids.includes(id));

export interface Suppressible {
  readonly name: string;
  readonly versions: readonly string[];
  readonly ids: readonly string[];
}
