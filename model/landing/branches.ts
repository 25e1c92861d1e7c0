import type { RunOptions } from '../run/options.js';

/** The update branch of a run that starts at `date`, and the one to take when that is not to be replaced. */
export function updateBranches(
  options: Pick<RunOptions, 'landing' | 'timeZone'>,
  date: Date,
): { readonly branch: string; readonly fallbackBranch: string } {
  const parts = new Map(
    new Intl.DateTimeFormat('en-GB', {
      timeZone: options.timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    })
      .formatToParts(date)
      .map(({ type, value }) => [type, value]),
  );
  const digits = (...types: Intl.DateTimeFormatPartTypes[]): string =>
    types.map((type) => parts.get(type) ?? '').join('');
  const branch = `${options.landing.branchPrefix}${digits('year', 'month', 'day')}`;
  return { branch, fallbackBranch: `${branch}-${digits('hour', 'minute', 'second')}` };
}

/** Names that are tried when a branch of the same second is taken as well: `-2` to `-9`. */
const NUMBERS = 9;

/** Whether a branch is the update branch of a day, or one that was taken in its place on that day. */
export const isOfDay = (name: string, branch: string): boolean =>
  name === branch || (name.startsWith(branch) && /^-\d{6}(?:-\d)?$/.test(name.slice(branch.length)));

/** Whether a branch has a name that update branches of some day have. */
export const isUpdateBranch = (name: string, prefix: string): boolean =>
  name.startsWith(prefix) && /^\d{8}(?:-\d{6}(?:-\d)?)?$/.test(name.slice(prefix.length));

/**
 * The branches that an update may go to, the first that is free or may be replaced: the wanted one, those that earlier runs of
 * the day took in its place, and new ones.
 * @param taken the branches that there are
 */
export function branchesToTry(
  { branch, fallbackBranch }: { readonly branch: string; readonly fallbackBranch: string },
  taken: readonly string[],
): readonly string[] {
  const earlier = taken.filter((name) => isOfDay(name, branch)).sort();
  const numbered = Array.from({ length: NUMBERS - 1 }, (_, index) => `${fallbackBranch}-${index + 2}`);
  return [...new Set([branch, ...earlier, fallbackBranch, ...numbered])];
}

/** The branch in whose presence another one cannot be: Git keeps them as files and folders. `null` when there is none. */
export const obstacleOf = (name: string, taken: readonly string[]): string | null =>
  taken.find((other) => name.startsWith(`${other}/`) || other.startsWith(`${name}/`)) ?? null;
