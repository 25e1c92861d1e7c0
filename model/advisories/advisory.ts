export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'unknown'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Versions that an advisory is about. Without bounds: all. */
export interface VersionRange {
  /** First affected version; missing: from the beginning. */
  readonly from?: string;
  /** Whether `from` itself is not affected. */
  readonly fromExcluded?: true;
  /** Where it ends; missing: not fixed. */
  readonly to?: string;
  /** Whether `to` itself is affected. */
  readonly toIncluded?: true;
}

export interface Advisory {
  /** The CVE where there is one, else the id of its database. */
  readonly id: string;
  /** Other ids of the same vulnerability. */
  readonly aliases: readonly string[];
  readonly severity: Severity;
  /** CVSS base score; `null` where none is given. */
  readonly score: number | null;
  /** How its versions are compared. */
  readonly format: 'nvd' | 'osv';
  /** Vendor of a CPE, or ecosystem of a package. */
  readonly origin: string;
  /** In lower case. */
  readonly product: string;
  readonly ranges: readonly VersionRange[];
}

/** What one file says: when it was newest changed, and its advisories. */
export interface ReadEntry {
  /** ISO 8601; `null` where none is said. */
  readonly modified: string | null;
  readonly advisories: readonly Advisory[];
}

export type Unknown = Readonly<Record<string, unknown>>;
export const isObject = (value: unknown): value is Unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const objects = (value: unknown): readonly Unknown[] => (Array.isArray(value) ? value.filter(isObject) : []);
export const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' && value.length <= LONGEST_TEXT ? value : null;
export const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map(textOf).filter((each) => each !== null) : [];

/** Longer ones are no names, ids or versions. */
const LONGEST_TEXT = 200;

export const isId = (id: string): boolean => /^[A-Za-z][A-Za-z0-9:._-]{0,79}$/.test(id);

/** The word of a CVSS 3 score. Source: <https://nvd.nist.gov/vuln-metrics/cvss>. */
export function severityOf(word: unknown, score: number | null): Severity {
  const plain = typeof word === 'string' ? word.toLowerCase() : '';
  if (plain === 'moderate') return 'medium';
  const known = SEVERITIES.find((each) => each === plain);
  if (known !== undefined) return known;
  if (score === null || score <= 0) return 'unknown';
  return score >= 9 ? 'critical' : score >= 7 ? 'high' : score >= 4 ? 'medium' : 'low';
}

export const ADVISORY_FILE = /\.(?:json|jsonl)(?:\.gz)?$/i;
