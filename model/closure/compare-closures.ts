import { byPackage, type Sides } from './by-package.js';
import type { ChangeKind, Closure, ClosureChange, ClosurePath, PackageChange } from './closure.js';
import { compareVersions, components } from '../nix/compare-versions.js';
import type { PackageName } from './package-name.js';

/**
 * What differs between two closures, package by package. A package of which no path differs is left out; nothing else is.
 * @param named names of packages that stand before all others but kernel and systemd
 */
export function compareClosures(before: Closure, after: Closure, named: readonly string[] = []): ClosureChange {
  const changes: PackageChange[] = [];
  let configuration = 0;
  for (const [name, sides] of byPackage(before, after)) {
    if (samePaths(sides)) continue;
    const one = sides.before[0] ?? sides.after[0];
    if (one !== undefined && isConfiguration(one.name)) configuration += 1;
    else changes.push(changeOf(name, sides, before.selected, after.selected));
  }
  const counts: Partial<Record<ChangeKind, number>> = {};
  for (const { kind } of changes) counts[kind] = (counts[kind] ?? 0) + 1;
  return {
    sizes: [sizeOf(before.paths), sizeOf(after.paths)],
    counts,
    packages: changes.sort(byImportance(new Set([...FIRST, ...named]))),
    configuration,
  };
}

/** What an owner asks for first: it decides about reboots. */
const FIRST: readonly string[] = ['linux', 'systemd'];

/** What NixOS writes for a machine: units, files of /etc, sources, the system. It has no version, or that of the system. */
const isConfiguration = ({ name, version }: PackageName): boolean =>
  version === null || /^(?:nixos-system-|unit-|etc-|source$)|\.(?:patch|diff)$/.test(name);

function samePaths({ before, after }: Sides): boolean {
  if (before.length !== after.length) return false;
  const paths = new Set(before.map(({ path }) => path));
  return after.every(({ path }) => paths.has(path));
}

function changeOf(
  name: string,
  { before, after }: Sides,
  wasSelected: ReadonlySet<string>,
  isSelected: ReadonlySet<string>,
): PackageChange {
  const selected = before.some(({ path }) => wasSelected.has(path)) || after.some(({ path }) => isSelected.has(path));
  return {
    name,
    ...versionChange(before, after),
    sizes: [sizeOf(before), sizeOf(after)],
    ...(selected && { selected }),
  };
}

type VersionChange = Pick<PackageChange, 'kind' | 'before' | 'after'>;

function versionChange(before: readonly ClosurePath[], after: readonly ClosurePath[]): VersionChange {
  const old = copies(before);
  const now = copies(after);
  const all = { before: [...old.keys()], after: [...now.keys()] };
  if (before.length === 0) return { kind: 'added', ...all };
  if (after.length === 0) return { kind: 'removed', ...all };

  const gone = all.before.filter((version) => !now.has(version));
  const come = all.after.filter((version) => !old.has(version));
  if (gone.length > 0 && come.length > 0) return pairUp(gone, come);
  if (gone.length > 0 || come.length > 0 || all.after.some((version) => old.get(version) !== now.get(version)))
    return { kind: 'copies', ...all };
  return { kind: outputs(before) === outputs(after) ? 'rebuilt' : 'outputs', ...all };
}

/** Versions in their order, each with how many copies of it there are: the most paths with one output. */
function copies(paths: readonly ClosurePath[]): ReadonlyMap<string, number> {
  const versions = new Map<string, Map<string, number>>();
  for (const { name } of paths) {
    const version = name.version ?? '';
    const counted = versions.get(version) ?? new Map<string, number>();
    versions.set(version, counted.set(name.output, (counted.get(name.output) ?? 0) + 1));
  }
  return new Map(
    [...versions]
      .map(([version, counted]) => [version, Math.max(...counted.values())] as const)
      .sort(([one], [other]) => compareVersions(one, other)),
  );
}

const outputs = (paths: readonly ClosurePath[]): string =>
  [...new Set(paths.map(({ name }) => name.output))].sort().join(' ');

const MOST_PAIRS = 10_000;

/**
 * Several versions of one package pair up by what they have in common: of `20.19, 22.11` and `22.12, 24.1` the middle ones are one
 * package's, and what is left pairs in its order. Of very many, which only something generated has, all pair in their order.
 */
function pairUp(gone: readonly string[], come: readonly string[]): VersionChange {
  const pairs =
    gone.length * come.length > MOST_PAIRS
      ? gone.slice(0, come.length).map((before, index) => ({ before, after: come[index] ?? '' }))
      : gone
          .flatMap((before) => come.map((after) => ({ before, after, common: commonComponents(before, after) })))
          .sort((one, other) => other.common - one.common || compareVersions(one.before, other.before));
  const before = new Set<string>();
  const after = new Set<string>();
  const directions = new Set<ChangeKind>();
  for (const pair of pairs) {
    if (before.has(pair.before) || after.has(pair.after)) continue;
    before.add(pair.before);
    after.add(pair.after);
    directions.add(direction(pair.before, pair.after));
  }
  const [only = 'changed'] = directions;
  return {
    kind: directions.size === 1 ? only : 'changed',
    before: [...before, ...gone.filter((version) => !before.has(version))],
    after: [...after, ...come.filter((version) => !after.has(version))],
  };
}

function commonComponents(one: string, other: string): number {
  const [left, right] = [components(one), components(other)];
  const differing = left.findIndex((component, index) => component !== right[index]);
  return differing === -1 ? left.length : differing;
}

/** Revisions have no order. */
function direction(before: string, after: string): ChangeKind {
  if (isRevision(before) || isRevision(after)) return 'changed';
  const order = compareVersions(before, after);
  return order === 0 ? 'changed' : order < 0 ? 'up' : 'down';
}

const isRevision = (version: string): boolean => /^(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}$/.test(version);

export const sizeOf = (paths: readonly Pick<ClosurePath, 'narSize'>[]): number =>
  paths.reduce((sum, { narSize }) => sum + narSize, 0);

/** How much a reader wants to know: other versions before other copies, other copies before other builds. */
const WEIGHTS: Readonly<Record<ChangeKind, number>> = {
  ...{ up: 0, down: 0, changed: 0, added: 0, removed: 0 },
  ...{ copies: 1, outputs: 2, rebuilt: 3 },
};

/** The named ones, then what the system names itself, then dependencies; the larger change of size first. */
const byImportance =
  (first: ReadonlySet<string>) =>
  (one: PackageChange, other: PackageChange): number =>
    Number(first.has(other.name)) - Number(first.has(one.name)) ||
    WEIGHTS[one.kind] - WEIGHTS[other.kind] ||
    Number(other.selected ?? false) - Number(one.selected ?? false) ||
    sizeChange(other) - sizeChange(one) ||
    (one.name < other.name ? -1 : 1);

const sizeChange = ({ sizes: [before, after] }: PackageChange): number => Math.abs(after - before);
