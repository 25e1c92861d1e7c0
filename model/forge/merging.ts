/**
 * Who merges a pull request that was verified:
 * - `never`: a person
 * - `forge`: the forge, as soon as what the branch requires is there
 * - `self`: Lockkeeper, then
 */
export const MERGERS = ['never', 'forge', 'self'] as const;
export type Merger = (typeof MERGERS)[number];

/** What becomes of the commit on the main branch: the same commit, the second parent of a merge, or copies of its changes. */
export const MERGE_METHODS = ['fast-forward', 'merge', 'rebase', 'squash'] as const;
export type MergeMethod = (typeof MERGE_METHODS)[number];

/** Fewest digits of a commit that `/approve` has to name. */
const LEAST_DIGITS = 12;

/** What a comment on a request approves; `null` when it is none that approves this commit: `/approve COMMIT WHY`. */
export function approvingComment(body: string, commit: string): { readonly comment: string | null } | null {
  // In backticks GitLab does not take it for a command.
  const [, , named = '', why = ''] = /^\s*(`?)\/approve[ \t]+([0-9a-f]+)\1(?![^\s])[ \t]*([^\r\n]*)/.exec(body) ?? [];
  if (named.length < LEAST_DIGITS || !commit.startsWith(named)) return null;
  return { comment: why.trim() === '' ? null : why.trim() };
}

const SHORT = 12;

/** How somebody has approved an update by merging its request, also when that was no longer what was verified. */
export const mergingWords = (
  number: number,
  { commit, asVerified }: { readonly commit: string; readonly asVerified: boolean | null },
): string =>
  `by merging pull request #${number}${asVerified === false ? `, as commit ${commit.slice(0, SHORT)}, which holds more than what was verified` : ''}`;

/** What has become of a request that is about another branch than main by now. @param merged what it is there, if it is merged */
export const otherBaseWords = (
  into: string,
  merged?: { readonly by: string | null; readonly commit: string },
): string =>
  `somebody has changed its base to branch ${into}${merged === undefined ? '' : `, and ${merged.by ?? 'somebody'} has merged it there, as commit ${merged.commit.slice(0, SHORT)}`}`;
