import type { VulnerabilityChange } from '../advisories/vulnerability.js';
import type { ClosureChange, PackageChange, TargetChange } from '../closure/closure.js';
import { contentOf, listedBy, listing } from '../closure/share.js';
import { changedPackages, countWords, sizeChangeWords, versionWords } from '../closure/words.js';
import { groupBy } from '../text/group-by.js';
import { oneLine, oneName } from '../text/one-line.js';
import { formatSize } from '../text/size.js';
import { hostsOf, type Report, type ReportedTarget } from './data.js';
import { plural } from './words.js';

/** Hosts whose closures change in the same way, and how. */
export interface ChangeGroup {
  readonly hosts: readonly string[];
  /** One for each host: only sizes and counts of settings may differ. */
  readonly changes: readonly [TargetChange, ...TargetChange[]];
}

type Changes = Pick<ChangeGroup, 'changes'>;

export function changeGroups(report: Report): readonly ChangeGroup[] {
  const hosts = hostsOf(report);
  const whole = listing(hosts);
  const groups = groupBy(
    hosts.filter(({ closure }) => closure !== undefined),
    keyBy(whole),
  );
  return [...groups.values()].flatMap(([first, ...others]) => {
    // Of the others only sizes and counts of settings are told: their packages are not written out.
    const { closure } = first === undefined ? {} : whole(first);
    if (first === undefined || closure === undefined) return [];
    const changes = others.flatMap((each) => each.closure ?? []);
    return [{ hosts: [first, ...others].map(({ name }) => name), changes: [closure, ...changes] }];
  });
}

/** What is the same of hosts whose closures change in the same way. Of those that list the same packages these are looked at once. */
function keyBy(whole: (target: ReportedTarget) => ReportedTarget): (target: ReportedTarget) => string {
  const owners = new Map<string, number | null>();
  const numbers = new Map<string, number>();
  const numberOf = (target: ReportedTarget): number | null => {
    const { closure } = whole(target);
    const list = closure === undefined ? null : listedBy(closure);
    if (list === null || list.packages.length === 0) return null;
    const content = contentOf(list);
    const number = numbers.get(content) ?? numbers.size;
    numbers.set(content, number);
    return number;
  };
  return (target) => {
    const { closure } = target;
    if (closure === undefined) return '';
    const owner = listedBy(closure)?.sameAs ?? target.name;
    let number = owners.get(owner);
    if (number === undefined) owners.set(owner, (number = numberOf(target)));
    const switching = closure.kind === 'compared' ? [closure.switching, closure.from] : [];
    // What lists no packages says nothing but its sizes.
    return JSON.stringify([closure.kind, switching, number ?? whole(target).closure]);
  };
}

/** The first line: sizes and counts. */
export function summaryWords({ changes: [first, ...others] }: Changes): string {
  const all = [first, ...others];
  const sizes = rangeWords(all.map((each) => (each.kind === 'compared' ? each.sizes[1] : each.size)));
  if (first.kind === 'compared') {
    const settings = new Set(all.map((each) => listedBy(each)?.configuration));
    const differences = new Set<string>();
    for (const each of all) {
      if (each.kind === 'compared') differences.add(sizeChangeWords(each.sizes));
      if (differences.size > 2) break;
    }
    const shown = differences.size > 2 ? [[...differences][0], 'and others'] : [...differences];
    const built = first.from === 'build' ? '; base was built to compare with it' : '';
    return `${sizes} (${shown.join(', ')}): ${countWords(first)}${settings.size > 1 ? ' (settings differ)' : ''}${built}`;
  }
  const { derivations, buildError } = first;
  return [
    `${sizes}: not compared, because the old closure is neither on the builder nor in a cache`,
    ...(buildError === undefined ? [] : [`building it failed: ${oneLine(buildError)}`]),
    ...(derivations === undefined ? [] : [`from the derivations: ${derivationWords(derivations)}`]),
  ].join('; ');
}

/** Derivations tell of packages by their versions alone; that nothing else differs, they do not say. */
const derivationWords = (derivations: ClosureChange): string =>
  changedPackages(derivations) + derivations.configuration === 0 ? 'no version differs' : countWords(derivations);

/** `1.3 GiB`, or `1.2 GiB to 1.3 GiB`. */
function rangeWords(sizes: readonly number[]): string {
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)].map(formatSize);
  return least === most ? (least ?? '') : `${least ?? ''} to ${most ?? ''}`;
}

/** What the machine will do with it, a sentence each; the first ones are the more important. */
export function switchingWords({ changes: [change] }: Changes): readonly string[] {
  if (change.kind === 'no-base') return [];
  const { refuses, reboot } = change.switching;
  return [
    ...(refuses.length === 0
      ? []
      : [`will refuse to switch (${refuses.map((name) => oneName(name)).join(', ')}): reboot instead`]),
    ...(reboot.length === 0 ? [] : [`needs a reboot: new ${reboot.join(', ')}`]),
    ...(change.from === 'cache'
      ? ['the closure on base is only in a cache: whether it will refuse to switch is not known']
      : []),
  ];
}

/** Whether a machine is known to have to reboot for it. */
export const needsReboot = (change: TargetChange | null): boolean =>
  change?.kind === 'compared' && change.switching.refuses.length + change.switching.reboot.length > 0;

/** What comes and goes of known vulnerabilities; nothing where nobody asked. */
export const vulnerabilitiesOf = (change: TargetChange): VulnerabilityChange | null =>
  listedBy(change)?.vulnerabilities ?? null;

/** Name, versions and change of size of each of the first packages, and how many more there are, in words. */
export function packageRows(
  { changes: [change] }: Changes,
  limit: number,
): {
  readonly rows: readonly (readonly [name: string, versions: string, size: string])[];
  readonly more: string | null;
} {
  const list = listedBy(change);
  if (list === null) return { rows: [], more: null };
  const shown = list.packages.filter(({ kind }) => kind !== 'rebuilt').slice(0, limit);
  const rebuilt = list.counts.rebuilt ?? 0;
  const rest = changedPackages(list) - rebuilt - shown.length;
  const more = [
    ...(rest > 0 ? [plural(rest, 'other package')] : []),
    ...(rebuilt > 0 ? [`${plural(rebuilt, 'package')} rebuilt with the same version`] : []),
  ];
  return { rows: shown.map(rowOf), more: more.length === 0 ? null : `and ${more.join(', ')}` };
}

const rowOf = (each: PackageChange): readonly [string, string, string] => [
  oneName(each.name),
  versionWords(each),
  each.sizes[0] === each.sizes[1] ? '' : sizeChangeWords(each.sizes),
];
