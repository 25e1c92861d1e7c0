import { oneLine, oneName } from '../text/one-line.js';
import { SEVERITIES } from './advisory.js';
import type { Tier } from './products.js';
import { STALE_DAYS, type Vulnerability, type VulnerabilityChange } from './vulnerability.js';

/** `Known vulnerabilities: 2 fixed, 1 new (high)`; then what the reader has to know of the data, a sentence each. */
export function vulnerabilityWords(change: VulnerabilityChange): readonly [summary: string, ...more: string[]] {
  if (change.kind === 'not-checked') return [`Known vulnerabilities: not checked: ${oneLine(change.reason, 300)}`];
  const { counts, newest, stale } = change;
  const unsure = counts.unsureFixed + counts.unsureIntroduced;
  const parts = [
    `${counts.fixed} fixed`,
    newWords(change),
    ...(unsure === 0 ? [] : [`by name only ${counts.unsureFixed} fixed and ${counts.unsureIntroduced} new`]),
    ...(counts.suppressed === 0 ? [] : [`${counts.suppressed} suppressed`]),
  ];
  const day = newest === null ? 'no date' : oneLine(newest, 40).slice(0, 10);
  return [
    `Known vulnerabilities: ${parts.join(', ')} (data of ${day})`,
    ...(stale ? [`The vulnerability data is older than ${STALE_DAYS} days`] : []),
    ...change.warnings.map((warning) => oneLine(warning, 200)),
  ];
}

/** `1 new (high)`: how many come for sure, and how bad the worst of them is. */
function newWords({ counts, introduced }: Extract<VulnerabilityChange, { kind: 'checked' }>): string {
  const sure = introduced.filter(({ tier }) => tier !== 'name');
  const worst = SEVERITIES.find((each) => sure.some(({ severity }) => severity === each));
  return `${counts.introduced} new${counts.introduced === 0 || worst === undefined ? '' : ` (${worst})`}`;
}

/** `Known vulnerabilities: 1 new (high)`; `null` where none comes for sure. */
export const newVulnerabilityWords = (change: VulnerabilityChange | null): string | null =>
  change?.kind === 'checked' && change.counts.introduced > 0 ? `Known vulnerabilities: ${newWords(change)}` : null;

/** A vulnerability in words. */
interface Listed {
  readonly isNew: boolean;
  /** Whether it is not by name alone. */
  readonly sure: boolean;
  readonly cells: readonly [
    ...[what: string, id: string, severity: string, name: string, versions: string],
    match: string,
  ];
}

/** How sure it is that the package is the product. */
const MATCHES: Readonly<Record<Tier, string>> = { exact: 'exact', mapped: 'by table', name: 'by name' };

/** New ones first. */
export const listedVulnerabilities = (change: VulnerabilityChange): readonly Listed[] =>
  change.kind === 'not-checked'
    ? []
    : [...change.introduced.map((each) => listedOf(each, true)), ...change.fixed.map((each) => listedOf(each, false))];

function listedOf({ id, severity, score, tier, before, after, ...each }: Vulnerability, isNew: boolean): Listed {
  const [old, now] = [before, after].map(
    (versions) => versions.map((version) => oneName(version)).join(', ') || 'none',
  );
  const severityWords = score === null ? severity : `${severity} ${score}`;
  const versions = `${old} → ${now}`;
  return {
    isNew,
    sure: tier !== 'name',
    cells: [isNew ? 'new' : 'fixed', oneName(id), severityWords, oneName(each.package), versions, MATCHES[tier]],
  };
}
