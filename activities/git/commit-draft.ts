import type { Candidate } from '../../model/verify/candidate.js';
import type { Repository } from '../../model/run/options.js';
import type { ActivityEnvironment } from '../environment.js';
import { commitFile, type Signature } from './commit.js';
import { flakeFile } from './flake-files.js';

interface DraftStamp extends Signature {
  readonly repository: Repository;
  /** Workflow id of the run. */
  readonly run: string;
}

/**
 * Commits a lock on top of `parent`, to travel as a candidate until `commitCandidate` gives it its message. The same input
 * gives the same draft. Throws what `commitFile` throws.
 */
export const commitDraft = (
  env: ActivityEnvironment,
  { repository, run, author, committer, date }: DraftStamp,
  parent: string,
  lock: string,
): Promise<Candidate> =>
  commitFile(env, {
    repository,
    parent,
    path: flakeFile(repository, 'flake.lock'),
    content: lock,
    message: `Draft of run ${run}\n`,
    author,
    committer,
    date,
  });
