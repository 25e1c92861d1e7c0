import type { PackageChange, TargetChange } from '../closure/closure.js';
import { changedPackages, changeWords, sizeChangeWords, versionWords } from '../closure/words.js';
import { groupBy } from '../text/group-by.js';
import { oneName } from '../text/one-line.js';
import { formatSize } from '../text/size.js';
import { hostsOf } from './data.js';
import type { Report } from './data.js';
import { plural } from './words.js';

/** Hosts whose closures change in the same way, and how. */
export interface ChangeGroup {
  readonly hosts: readonly string[];
  readonly change: TargetChange;
}

/** What changes, told once of all hosts of which it is true. */
export function changeGroups(report: Report): readonly ChangeGroup[] {
  const changed = hostsOf(report).flatMap(({ name, closure }) => (closure === undefined ? [] : [{ name, closure }]));
  const groups = groupBy(changed, ({ closure }) => JSON.stringify(closure));
  return [...groups.values()].flatMap((hosts) =>
    hosts.slice(0, 1).map(({ closure }) => ({ hosts: hosts.map(({ name }) => name), change: closure })),
  );
}

/** The first line: sizes and counts. */
export const summaryWords = (change: TargetChange): string =>
  change.kind === 'compared'
    ? changeWords(change)
    : `${formatSize(change.size)}: not compared, because the machine that built it does not have the closure on base`;

/** What the machine will do with it, a sentence each; the first ones are the more important. */
export const switchingWords = (change: TargetChange): readonly string[] =>
  change.kind === 'no-base'
    ? []
    : [
        ...(change.switching.refuses.length === 0
          ? []
          : [
              `will refuse to switch (${change.switching.refuses.map((name) => oneName(name)).join(', ')}): reboot instead`,
            ]),
        ...(change.switching.reboot.length === 0 ? [] : [`needs a reboot: new ${change.switching.reboot.join(', ')}`]),
      ];

/** Name, versions and change of size of each of the first packages, and how many more there are, in words. */
export function packageRows(
  change: TargetChange,
  limit: number,
): {
  readonly rows: readonly (readonly [name: string, versions: string, size: string])[];
  readonly more: string | null;
} {
  if (change.kind === 'no-base') return { rows: [], more: null };
  const shown = change.packages.filter(({ kind }) => kind !== 'rebuilt').slice(0, limit);
  const rebuilt = change.counts.rebuilt ?? 0;
  const rest = changedPackages(change) - rebuilt - shown.length;
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
