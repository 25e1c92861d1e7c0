import type { Candidate } from '../../../model/verify/candidate.js';
import { openGit } from '../../git/git.js';
import { readCommit } from '../../git/read-commit.js';
import { sameClosure } from './closure-comparison.js';
import type { CommitEvaluation } from './evaluate-commit.js';
import { revisionRewrite, type RevisionFacts } from './revision-text.js';
import { systemCode } from '../../../host/errors.js';

/**
 * Whether a target's closure is the same on candidate and base, the flake's own revision left out. A target that does
 * not evaluate on base has no closure there, so it differs.
 * @returns `null` when that cannot be told, because the store lost a derivation meanwhile, or the machine kept base from
 * being evaluated
 */
export async function sameAsBase(
  mirror: string,
  candidate: Candidate,
  drvPath: string,
  base: CommitEvaluation,
): Promise<boolean | null> {
  if (base.kind === 'failed') return base.unanswered === null ? false : null;
  if (base.drvPath === drvPath) return true;
  const [head, before] = await Promise.all([facts(mirror, candidate.head), facts(mirror, candidate.base)]);
  try {
    return await sameClosure(drvPath, base.drvPath, revisionRewrite(head, before));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** What Nix tells a flake about its commit: `self.lastModified` is the committer date. */
async function facts(mirror: string, revision: string): Promise<RevisionFacts> {
  const { committedAt } = await readCommit(openGit(mirror), revision);
  return { revision, lastModified: committedAt };
}
