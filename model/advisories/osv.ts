import { isId, isObject, objects, severityOf, textOf, texts } from './advisory.js';
import { baseScore } from './cvss.js';
import { baseScore4 } from './cvss4.js';
import type { Advisory, ReadEntry, Unknown, VersionRange } from './advisory.js';

/**
 * Reads one advisory of OSV. Source: <https://ossf.github.io/osv-schema/>. Ranges of commits are left out: a package's version is
 * no commit.
 * @returns `null` when it is none
 */
export function readOsv(element: unknown): ReadEntry | null {
  if (!isObject(element)) return null;
  const own = textOf(element.id);
  if (own === null || !isId(own) || !Array.isArray(element.affected)) return null;
  const modified = textOf(element.modified);
  if (element.withdrawn !== undefined && element.withdrawn !== null) return { modified, advisories: [] };
  const ids = [own, ...texts(element.aliases).filter(isId)];
  const id = ids.find((each) => each.startsWith('CVE-')) ?? own;
  const aliases = [...new Set(ids)].filter((each) => each !== id).slice(0, MOST_ALIASES);
  const advisories = objects(element.affected).flatMap((affected): Advisory[] => {
    const found = isObject(affected.package) ? affected.package : {};
    const [name, ecosystem] = [textOf(found.name), textOf(found.ecosystem)];
    const told = objects(affected.ranges).flatMap(rangesOf);
    // A list beside ranges only spells them out.
    const ranges = told.length > 0 ? told : texts(affected.versions).map(exactly);
    if (name === null || ecosystem === null || ranges.length === 0) return [];
    const rating = ratingOf(element, affected);
    // `Debian:12` names a release of the ecosystem.
    const origin = (ecosystem.split(':')[0] ?? '').toLowerCase();
    return [{ id, aliases, ...rating, format: 'osv', origin, product: packageName(origin, name), ranges }];
  });
  return { modified, advisories };
}

const MOST_ALIASES = 5;

/** A package's name as its ecosystem compares it. */
export const packageName = (ecosystem: string, name: string): string =>
  ecosystem === 'pypi' ? name.toLowerCase().replace(/[-_.]+/g, '-') : name.toLowerCase();

const exactly = (version: string): VersionRange => ({ from: version, to: version, toIncluded: true });

/** Each `introduced` goes as far as the next `fixed` or `last_affected`. */
function rangesOf({ type, events }: Unknown): VersionRange[] {
  if (type === 'GIT') return [];
  const ranges: VersionRange[] = [];
  let from: VersionRange | null = null;
  for (const event of objects(events)) {
    const [introduced, fixed, last] = [textOf(event.introduced), textOf(event.fixed), textOf(event.last_affected)];
    if (introduced !== null) {
      if (from !== null) ranges.push(from);
      from = introduced === '0' ? {} : { from: introduced };
    } else if (fixed !== null && from !== null) {
      ranges.push({ ...from, to: fixed });
      from = null;
    } else if (last !== null && from !== null) {
      ranges.push({ ...from, to: last, toIncluded: true });
      from = null;
    }
  }
  return from === null ? ranges : [...ranges, from];
}

/** The databases' own words and scores, else what the first vector of CVSS 4 or 3 comes to; one of CVSS 2 alone is not worked out. */
function ratingOf(element: Unknown, affected: Unknown): Pick<Advisory, 'severity' | 'score'> {
  const own = isObject(element.database_specific) ? element.database_specific : {};
  const ofPackage = isObject(affected.database_specific) ? affected.database_specific : {};
  const cvss = isObject(own.cvss) ? own.cvss : {};
  const vectors = [affected, element].flatMap((each) => objects(each.severity)).map(({ score }) => textOf(score) ?? '');
  // An advisory often has both: the newer kind tells more, as with the NVD.
  const scores = [...vectors.map(baseScore4), ...vectors.map(baseScore)];
  const score = typeof cvss.score === 'number' ? cvss.score : (scores.find((each) => each !== null) ?? null);
  return { severity: severityOf(own.severity ?? ofPackage.severity, score), score };
}
