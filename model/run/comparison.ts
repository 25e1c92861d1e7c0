import type { Comparison, Repository } from './options.js';

export interface ComparedWords {
  /** A branch, `commit 1a2b3c4d5e6f`, or `HEAD of /home/me/fleet`. */
  readonly revision: string;
  readonly against: string;
}

export const comparedWords = (
  { revision, against }: Comparison,
  { checkout, mainBranch }: Pick<Repository, 'checkout' | 'mainBranch'>,
): ComparedWords => ({
  revision:
    revision === undefined
      ? checkout === null
        ? mainBranch
        : `HEAD of ${checkout}`
      : isCommit(revision)
        ? `commit ${revision.slice(0, 12)}`
        : revision,
  against: against ?? mainBranch,
});

/** Whether a name is a whole commit. */
export const isCommit = (name: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(name);
