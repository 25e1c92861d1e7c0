import { byPackage, type Sides } from './by-package.js';
import type { ClosurePath } from './closure.js';
import { utf8Length } from '../text/text.js';
import { isAffected } from '../advisories/affected.js';
import { SEVERITIES, type Advisory } from '../advisories/advisory.js';
import { isMatch, TIERS, type Product, type Products } from '../advisories/products.js';
import type { Vulnerability, VulnerabilityChange } from '../advisories/vulnerability.js';
import { suppresses, type Suppression } from '../advisories/whitelist.js';

/** Packages of two closures whose versions or patches differ. */
export const changedPackages = (packages: ReadonlyMap<string, Sides>): ReadonlyMap<string, Sides> =>
  new Map([...packages].filter(([, sides]) => facts(sides.before) !== facts(sides.after)));

/** Packages of two closures that have versions. */
export function versionedPackages(
  before: readonly ClosurePath[],
  after: readonly ClosurePath[],
): ReadonlyMap<string, Sides> {
  const versioned = (paths: readonly ClosurePath[]) => ({ paths: paths.filter(({ name }) => name.version !== null) });
  return byPackage(versioned(before), versioned(after));
}

/** Packages whose versions differ, and what else is the same product: all that has to be looked up. */
export function packagesToCheck(packages: ReadonlyMap<string, Sides>, products: Products): ReadonlyMap<string, Sides> {
  const changed = productNames(changedPackages(packages), products);
  return new Map([...packages].filter(([name]) => products(name).some(({ product }) => changed.has(product))));
}

/** A patch that is new fixes something although the version stays. */
const facts = (paths: readonly ClosurePath[]): string =>
  [...new Set(paths.map(({ name, patched = [] }) => `${name.version ?? ''} ${patched.join(' ')}`))].sort().join('\n');

export const productNames = (packages: ReadonlyMap<string, unknown>, products: Products): ReadonlySet<string> =>
  new Set([...packages.keys()].flatMap((name) => products(name).map(({ product }) => product)));

export interface Setting {
  readonly products: Products;
  readonly suppressions: readonly Suppression[];
  /** Today, `YYYY-MM-DD`. */
  readonly day: string;
}

type Found = Pick<Extract<VulnerabilityChange, { kind: 'checked' }>, 'counts' | 'fixed' | 'introduced'>;

/**
 * What comes and what goes.
 * @param packages see `packagesToCheck`
 * @param advisories by product
 */
export function vulnerabilityChange(
  packages: ReadonlyMap<string, Sides>,
  advisories: ReadonlyMap<string, readonly Advisory[]>,
  { products, suppressions, day }: Setting,
): Found {
  const was = new Map<string, Vulnerability>();
  const is = new Map<string, Vulnerability>();
  for (const [name, sides] of packages) {
    for (const product of products(name)) {
      for (const advisory of advisories.get(product.product) ?? []) {
        if (!isMatch(product, advisory)) continue;
        if (isOpen(sides.before, advisory)) note(was, vulnerabilityOf(name, sides, product, advisory));
        if (isOpen(sides.after, advisory)) note(is, vulnerabilityOf(name, sides, product, advisory));
      }
    }
  }
  const known = sameVulnerabilities([...was.values(), ...is.values()]);
  const fixed = without(was, is, known);
  const introduced = without(is, was, known);
  const inForce = suppresses(day);
  const isSuppressed = (each: Vulnerability): boolean =>
    suppressions.some((one) =>
      inForce(one, {
        name: each.package,
        versions: each.after.length > 0 ? each.after : each.before,
        ids: [each.id, ...each.aliases],
      }),
    );
  const [shownFixed, shownIntroduced] = [fixed, introduced].map((list) =>
    list.filter((each) => !isSuppressed(each)).sort(byImportance),
  ) as [Vulnerability[], Vulnerability[]];
  const unsure = (list: readonly Vulnerability[]): number => list.filter(({ tier }) => tier === 'name').length;
  return {
    counts: {
      fixed: shownFixed.length - unsure(shownFixed),
      introduced: shownIntroduced.length - unsure(shownIntroduced),
      unsureFixed: unsure(shownFixed),
      unsureIntroduced: unsure(shownIntroduced),
      suppressed: fixed.length + introduced.length - shownFixed.length - shownIntroduced.length,
    },
    fixed: shownFixed,
    introduced: shownIntroduced,
  };
}

/** A patch that names the vulnerability fixes it. */
const isOpen = (paths: readonly ClosurePath[], advisory: Advisory): boolean =>
  paths.some(
    ({ name, patched = [] }) =>
      !patched.some((id) => id === advisory.id || advisory.aliases.includes(id)) &&
      isAffected(name.version ?? '', advisory),
  );

/** One that two databases tell of keeps the better word. */
function note(into: Map<string, Vulnerability>, found: Vulnerability): void {
  const there = into.get(found.id);
  if (there === undefined || isBetter(found, there))
    into.set(found.id, { ...found, aliases: [...new Set([...found.aliases, ...(there?.aliases ?? [])])] });
}

const isBetter = (one: Vulnerability, other: Vulnerability): boolean =>
  one.tier !== other.tier
    ? TIERS.indexOf(one.tier) < TIERS.indexOf(other.tier)
    : other.severity === 'unknown' && one.severity !== 'unknown';

const vulnerabilityOf = (
  name: string,
  { before, after }: Sides,
  { tier }: Product,
  { id, aliases, severity, score }: Advisory,
): Vulnerability => ({
  ...{ id, aliases, severity, score, tier },
  package: name,
  before: versions(before),
  after: versions(after),
});

const versions = (paths: readonly ClosurePath[]): readonly string[] => [
  ...new Set(paths.map(({ name }) => name.version ?? '')),
];

/** The first id of each vulnerability, by all of its ids. */
function sameVulnerabilities(all: readonly Vulnerability[]): (id: string) => string {
  const first = new Map<string, string>();
  for (const { id, aliases } of all) {
    const known = [id, ...aliases].map((each) => first.get(each)).find((each) => each !== undefined) ?? id;
    for (const each of [id, ...aliases]) if (!first.has(each)) first.set(each, known);
  }
  return (id) => first.get(id) ?? id;
}

/** Those of one side that the other has not, each once. */
function without(
  one: ReadonlyMap<string, Vulnerability>,
  other: ReadonlyMap<string, Vulnerability>,
  known: (id: string) => string,
): Vulnerability[] {
  const there = new Set([...other.keys()].map(known));
  const kept = new Map<string, Vulnerability>();
  for (const each of one.values()) {
    const id = known(each.id);
    if (!there.has(id) && !kept.has(id)) kept.set(id, each);
  }
  return [...kept.values()];
}

const byImportance = (one: Vulnerability, other: Vulnerability): number =>
  Number(one.tier === 'name') - Number(other.tier === 'name') ||
  SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity) ||
  (other.score ?? 0) - (one.score ?? 0) ||
  (one.id < other.id ? -1 : 1);

/** The change with as many warnings and vulnerabilities as fit into so many bytes of JSON, what comes first; the counts stay. */
export function limitVulnerabilities(change: VulnerabilityChange, bytes: number): VulnerabilityChange {
  if (change.kind === 'not-checked') return change;
  let room = bytes - utf8Length(JSON.stringify({ ...change, warnings: [], fixed: [], introduced: [] }));
  const fit = <T>(items: readonly T[]): readonly T[] => {
    const end = items.findIndex((each) => {
      room -= utf8Length(JSON.stringify(each)) + 1;
      return room < 0;
    });
    return end === -1 ? items : items.slice(0, end);
  };
  return { ...change, warnings: fit(change.warnings), introduced: fit(change.introduced), fixed: fit(change.fixed) };
}
