import type { LandInput, SeenBranch } from '../../model/contract/landing.js';
import { isUpdateBranch } from '../../model/landing/branches.js';
import type { Git } from './git.js';
import { standingOf } from './standing.js';

/**
 * Update branches that an update makes needless, if they are to be looked for: older ones of the same instance, folder and
 * prefix that hold nothing more, and that nobody else has touched.
 * @param landedOn the branch that the update is on
 */
export async function olderBranches(
  git: Git,
  branches: ReadonlyMap<string, string>,
  main: string,
  input: LandInput,
  landedOn: string,
): Promise<readonly SeenBranch[]> {
  const { branchPrefix, candidate } = input;
  if (branchPrefix === undefined) return [];
  const since = await dateOf(git, candidate.head);
  const older: SeenBranch[] = [];
  for (const [branch, commit] of branches) {
    if (branch === landedOn || !isUpdateBranch(branch, branchPrefix)) continue;
    if ((await dateOf(git, commit)) > since) continue;
    const standing = await standingOf(git, commit, main, input);
    const isNeedless = standing.kind === 'replaceable' || (standing.kind === 'has-it' && standing.commit === commit);
    if (isNeedless) older.push({ branch, commit });
  }
  return older;
}

async function dateOf(git: Git, commit: string): Promise<number> {
  const raw = await git.run(['cat-file', 'commit', commit]);
  return Number(/^committer .* (\d+) [+-]\d{4}$/m.exec(raw)?.[1] ?? 0);
}
