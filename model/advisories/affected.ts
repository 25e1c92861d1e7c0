import { compareVersions } from '../nix/compare-versions.js';
import type { Advisory, VersionRange } from './advisory.js';

export const isAffected = (version: string, { format, ranges }: Pick<Advisory, 'format' | 'ranges'>): boolean =>
  ranges.some((range) => isWithin(comparable(version, format), range, format));

function isWithin(version: string, range: VersionRange, format: Advisory['format']): boolean {
  if (range.from !== undefined) {
    const order = compareVersions(version, comparable(range.from, format));
    if (order < 0 || (order === 0 && range.fromExcluded === true)) return false;
  }
  if (range.to === undefined) return true;
  const order = compareVersions(version, comparable(range.to, format));
  return order < 0 || (order === 0 && range.toIncluded === true);
}

/**
 * A version such that Nix's order is that of the format: what leads up to a release comes before it, as `pre` does. `1.0.2a` of
 * OpenSSL comes after `1.0.2`, and `1.0a1` of Python before `1.0`; what follows a `+` counts nowhere in OSV.
 */
function comparable(version: string, format: Advisory['format']): string {
  const plain = version
    .toLowerCase()
    .replace(/^v(?=\d)/, '')
    .replaceAll('_', '.');
  const released = format === 'osv' ? plain.replace(/\+.*$/, '') : plain;
  const words = format === 'osv' ? /[.-]?(dev|alpha|beta|preview|pre|rc|a|b|c)[.-]?(?=\d|$)/g : NVD_WORDS;
  return released.replace(words, (_, word: string) => `pre${STAGES[word] ?? 3}.`);
}

const NVD_WORDS = /[.-]?(dev|alpha|beta|preview|pre|rc)[.-]?(?=\d|$)/g;

const STAGES: Readonly<Record<string, number>> = {
  ...{ dev: 0, alpha: 1, a: 1, beta: 2, b: 2, preview: 3, pre: 3, rc: 3, c: 3 },
};
