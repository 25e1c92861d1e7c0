import type { Candidate } from '../../model/verify/candidate.js';
import type { Repository } from '../../model/run/options.js';
import { flakeFile } from './flake-files.js';
import { followLinks } from './follow-links.js';
import { openGit } from './git.js';

/** Candidates that were looked at: none of them changes. */
const known = new Map<string, boolean>();
const MOST_KNOWN = 1000;

/**
 * The commit of a candidate that has the update, and nothing else: the first one on top of base, with what agents changed on top of
 * it. `null` when it has no such commit.
 * @param mirror has the candidate
 */
export async function updateAlone(
  mirror: string,
  repository: Repository,
  candidate: Candidate,
): Promise<string | null> {
  const { base, head } = candidate;
  const commits = await openGit(mirror).run(['rev-list', '--first-parent', `${base}..${head}`]);
  const first = commits.trim().split('\n').at(-1) ?? '';
  if (first === '' || first === head) return null;
  return (await holdsAgentChange(mirror, repository, { ...candidate, head: first })) ? null : first;
}

/**
 * Whether a candidate holds an agent's change: more than its lock differs from base. What an update is made of is not asked of
 * those who ask for its verification, but of the commits themselves.
 * @param mirror has the candidate
 */
export async function holdsAgentChange(
  mirror: string,
  repository: Repository,
  { base, head }: Candidate,
): Promise<boolean> {
  if (base === head) return false;
  const key = JSON.stringify([mirror, repository.dir, base, head]);
  const before = known.get(key);
  if (before !== undefined) return before;
  const git = openGit(mirror);
  const between = ['-r', '-z', '--no-renames', '--name-only', `${base}^{tree}`, `${head}^{tree}`];
  const changed = (await git.run(['diff-tree', ...between])).split('\0').filter(Boolean);
  const lock = flakeFile(repository, 'flake.lock');
  const others = changed.filter((file) => file !== lock);
  const followed = others.length === 0 ? null : await followLinks(git, base, lock);
  const holds = others.some((file) => followed?.kind !== 'found' || file !== followed.path);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(key, holds);
  return holds;
}
