import { finalFailure } from '../../model/run/failures.js';
import type { Git } from './git.js';
import { commitParts, committedAt } from './seal.js';

interface CommitText {
  /** As it was given to `commit-tree`. */
  readonly message: string;
  /** Seconds since 1970. */
  readonly committedAt: number;
}

/** Reads a commit as the object that it is, which no setting of Git shows otherwise. */
export async function readCommit(git: Git, commit: string): Promise<CommitText> {
  const raw = await git.run(['cat-file', 'commit', commit]);
  const at = committedAt(raw);
  if (at === null) throw finalFailure('CandidateDamaged', `Commit ${commit} does not say when it was made.`);
  return { message: commitParts(raw).message, committedAt: at };
}
