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
  const day = digits('year', 'month', 'day');
  const time = digits('hour', 'minute', 'second');
  const { branch: rolling, branchPrefix } = options.landing;
  if (rolling !== undefined) return { branch: rolling, fallbackBranch: `${rolling}-${day}-${time}` };
  const branch = `${branchPrefix}${day}`;
  return { branch, fallbackBranch: `${branch}-${time}` };
}

/** Names that are tried when a branch of the same second is taken as well: `-2` to `-9`. */
const NUMBERS = 9;

/** Whether a branch is the update branch of a day or of pull requests, or one that was taken in its place. */
export const isOfDay = (name: string, branch: string): boolean =>
  name === branch || (name.startsWith(branch) && /^(?:-\d{8})?-\d{6}(?:-\d)?$/.test(name.slice(branch.length)));

/** Whether a branch has a name that update branches of some day have. */
export const isUpdateBranch = (name: string, prefix: string): boolean =>
  name.startsWith(prefix) && /^\d{8}(?:-\d{6}(?:-\d)?)?$/.test(name.slice(prefix.length));

/**
 * The branches that an update may go to, the first that is free or may be replaced: the wanted one, those that earlier runs of
 * the day took in its place, and new ones.
 * @param taken the branches that there are
 * @param first those that are to be tried before
 */
export function branchesToTry(
  { branch, fallbackBranch }: { readonly branch: string; readonly fallbackBranch: string },
  taken: readonly string[],
  first: readonly string[] = [],
): readonly string[] {
  const earlier = taken.filter((name) => isOfDay(name, branch)).sort();
  const numbered = Array.from({ length: NUMBERS - 1 }, (_, index) => `${fallbackBranch}-${index + 2}`);
  return [...new Set([...first, branch, ...earlier, fallbackBranch, ...numbered])];
}

/** The branch in whose presence another one cannot be: Git keeps them as files and folders. `null` when there is none. */
export const obstacleOf = (name: string, taken: readonly string[]): string | null =>
  taken.find((other) => name.startsWith(`${other}/`) || other.startsWith(`${name}/`)) ?? null;
