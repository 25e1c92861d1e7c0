import type { RunOptions } from './run.js';

/** Most times that an update is carried over onto a main branch that moved while the run was building. */
export const CARRY_OVER_LIMIT = 5;

/** The update branch of a run that starts at `date`, and the one to take when somebody else's commits are on it. */
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

/** What a run will push, and where, in one sentence. */
export function landingIntent(options: RunOptions, date: Date): string {
  const { repository, landing } = options;
  const where = repository.local ? `in ${repository.displayUrl} (it has no remote)` : `at ${repository.displayUrl}`;
  const asked = options.approval === null ? '' : ', once it is approved';
  switch (landing.mode) {
    case 'none':
      return `dry run: nothing will be pushed`;
    case 'branch':
      return `will ${repository.local ? 'write' : 'push'} branch ${updateBranches(options, date).branch} ${where}${asked}`;
    case 'merge':
      return `will fast-forward ${repository.mainBranch} ${where}${asked}`;
  }
}
