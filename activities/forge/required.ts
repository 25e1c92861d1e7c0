import type { ForgeBranch, HowToMerge } from './types.js';

/**
 * `ForgeMerging.unguarded` of a forge whose branches require statuses by name. It knows no verified commit, but where it requires
 * our status it merges no other one: nobody else sets that.
 */
export function unlessRequired(name: string, { requires }: ForgeBranch): string | null {
  // A wider pattern is met by statuses of others.
  if (requires.some((status) => /^lockkeeper\**$/.test(status.name))) return null;
  return `branch ${name} does not require the status "lockkeeper". Add that to the rules of the branch`;
}

/** What a request waits for whose base somebody has changed after it was looked at: no forge compares that when it merges. */
export const otherBase = ({ into }: HowToMerge): string => `its base to be ${into} again`;
