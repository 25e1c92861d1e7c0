import { oneName } from '../text/one-line.js';
import { formatSize } from '../text/size.js';
import { CHANGE_KINDS, type ChangeKind, type ClosureChange, type PackageChange } from './closure.js';

const COUNTED: Readonly<Record<ChangeKind, string>> = {
  ...{ up: 'up', down: 'down', changed: 'changed', added: 'added', removed: 'removed' },
  ...{ copies: 'in other copies', outputs: 'with other outputs', rebuilt: 'rebuilt' },
};

/** `34 up, 2 added, 120 rebuilt, 14 settings` */
export function countWords({ counts, configuration }: ClosureChange): string {
  const parts = [
    ...CHANGE_KINDS.filter((kind) => counts[kind] !== undefined).map((kind) => `${counts[kind] ?? 0} ${COUNTED[kind]}`),
    ...(configuration === 0 ? [] : [configuration === 1 ? '1 setting' : `${configuration} settings`]),
  ];
  return parts.length === 0 ? 'nothing differs' : parts.join(', ');
}

/** `+12 MiB`, `-3 KiB`, `same size`. */
export function sizeChangeWords([before, after]: readonly [before: number, after: number]): string {
  if (before === after) return 'same size';
  return `${after > before ? '+' : '-'}${formatSize(Math.abs(after - before))}`;
}

/** What happened to the versions of a package: `6.12.24 → 6.12.30`, `added 1.2`, `rebuilt 2.0`. */
export function versionWords({ kind, before, after }: PackageChange): string {
  const [old, now] = [before, after].map((versions) => versions.map((version) => oneName(version)).join(', '));
  switch (kind) {
    case 'up':
    case 'down':
    case 'changed':
      return `${old} → ${now}`;
    case 'added':
      return `added ${now}`.trim();
    case 'removed':
      return `removed ${old}`.trim();
    case 'copies':
      return old === now ? `${now}, in other copies` : `${old} → ${now}`;
    case 'outputs':
      return `${now}, with other outputs`;
    case 'rebuilt':
      return `rebuilt ${now}`.trim();
  }
}

/** How many packages changed, the unlisted ones too. */
export const changedPackages = ({ counts }: ClosureChange): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);
