import { isId, isObject, objects, severityOf, textOf } from './advisory.js';
import { cpeParts, isAny } from './cpe.js';
import type { Advisory, ReadEntry, Unknown, VersionRange } from './advisory.js';

/** Systems that NixOS is not: what is only about a product there is left out. */
const OTHER_SYSTEMS: ReadonlySet<string> = new Set([
  ...['windows', 'macos', 'mac_os', 'mac_os_x', 'iphone_os', 'ipados', 'android', 'chrome_os'],
  ...['jenkins', 'wordpress', 'drupal', 'joomla!', 'typo3', 'chrome', 'visual_studio_code'],
]);

/**
 * Reads one element of `vulnerabilities` of the NVD's JSON 2.0.
 * Source: <https://csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema>.
 * @returns `null` when it is not such an element
 */
export function readNvd(element: unknown): ReadEntry | null {
  const cve = isObject(element) ? element.cve : undefined;
  if (!isObject(cve)) return null;
  const id = textOf(cve.id);
  if (id === null || !isId(id)) return null;
  const modified = textOf(cve.lastModified);
  if (cve.vulnStatus === 'Rejected') return { modified, advisories: [] };
  const products = new Map<string, { origin: string; product: string; ranges: VersionRange[] }>();
  for (const match of objects(cve.configurations).filter(isOfThisSystem).flatMap(matches)) {
    const found = readMatch(match);
    if (found === null) continue;
    const key = `${found.origin}:${found.product}`;
    const entry = products.get(key) ?? { origin: found.origin, product: found.product, ranges: [] };
    entry.ranges.push(found.range);
    products.set(key, entry);
  }
  const rating = ratingOf(cve.metrics);
  const advisories = [...products.values()].map((each): Advisory => {
    return { id, aliases: [], ...rating, format: 'nvd', ...each };
  });
  return { modified, advisories };
}

/** A configuration of several nodes needs all of them: one that needs another system is not ours. */
function isOfThisSystem({ operator, nodes }: Unknown): boolean {
  if (operator !== 'AND') return true;
  return !objects(nodes).some((node) => {
    const platforms = objects(node.cpeMatch).filter(({ vulnerable }) => vulnerable === false);
    return platforms.length > 0 && platforms.every(({ criteria }) => isOtherSystem(criteria));
  });
}

function isOtherSystem(criteria: unknown): boolean {
  const [, , part, , product = ''] = cpeParts(criteria) ?? [];
  return part === 'o' && [...OTHER_SYSTEMS].some((system) => product.startsWith(system));
}

const matches = ({ nodes }: Unknown): readonly Unknown[] =>
  objects(nodes)
    .filter(({ negate }) => negate !== true)
    .flatMap(({ cpeMatch }) => objects(cpeMatch))
    .filter(({ vulnerable }) => vulnerable === true);

function readMatch(match: Unknown): { origin: string; product: string; range: VersionRange } | null {
  const [, , part, origin, product, version = '*', update = '*', , , , system = '*'] = cpeParts(match.criteria) ?? [];
  if (part === undefined || origin === undefined || product === undefined) return null;
  if (part === 'h' || OTHER_SYSTEMS.has(system)) return null;
  // A version that does not apply is none that a package has.
  if (version === '-') return null;
  if (version !== '*') {
    const exact = isAny(update) ? version : `${version}${update}`;
    return { origin, product, range: { from: exact, to: exact, toIncluded: true } };
  }
  const startIncluding = textOf(match.versionStartIncluding);
  const startExcluding = textOf(match.versionStartExcluding);
  const endIncluding = textOf(match.versionEndIncluding);
  const endExcluding = textOf(match.versionEndExcluding);
  return {
    origin,
    product,
    range: {
      ...(startExcluding !== null && { from: startExcluding, fromExcluded: true }),
      ...(startIncluding !== null && { from: startIncluding }),
      ...(endIncluding !== null && { to: endIncluding, toIncluded: true }),
      ...(endExcluding !== null && { to: endExcluding }),
    },
  };
}

/** The newest kind of CVSS that is given; of several ones that of the NVD itself. */
function ratingOf(metrics: unknown): Pick<Advisory, 'severity' | 'score'> {
  if (!isObject(metrics)) return { severity: 'unknown', score: null };
  for (const kind of ['cvssMetricV40', 'cvssMetricV31', 'cvssMetricV30', 'cvssMetricV2']) {
    const given = objects(metrics[kind]);
    const metric = given.find(({ type }) => type === 'Primary') ?? given[0];
    if (metric === undefined || !isObject(metric.cvssData)) continue;
    const { baseScore, baseSeverity } = metric.cvssData;
    const score = typeof baseScore === 'number' ? baseScore : null;
    return { severity: severityOf(baseSeverity ?? metric.baseSeverity, score), score };
  }
  return { severity: 'unknown', score: null };
}
