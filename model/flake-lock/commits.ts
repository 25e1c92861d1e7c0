import { oneLine } from '../text/one-line.js';

/** Commits of an input's branch between two revisions. What a merge brings along counts once, with the merge. */
export interface InputCommits {
  readonly count: number;
  readonly newest: readonly InputCommit[];
}

interface InputCommit {
  /** Full hash. */
  readonly revision: string;
  /** `YYYY-MM-DD` of the committer's date, in UTC. */
  readonly date: string;
  /** First line of the message, which is outside text: at most 160 bytes on one line. */
  readonly subject: string;
}

export interface CommitsOfInput extends InputCommits {
  readonly name: string;
  /** Full revisions. */
  readonly from: string;
  readonly to: string;
}

export const COMMITS_TOLD = 10;
const SUBJECT_BYTES = 160;

/** What `git log -z` prints for each commit: hash, seconds since 1970 and the beginning of the subject. */
export const COMMIT_FORMAT = '%H%x00%ct%x00%<(200,trunc)%s';

export function readCommits(output: string): readonly InputCommit[] {
  const fields = output.split('\0');
  const commits: InputCommit[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [revision = '', seconds = '', subject = ''] = fields.slice(at, at + 3);
    const date = new Date(Number(seconds) * 1000);
    if (Number.isNaN(date.getTime())) continue;
    commits.push({ revision, date: date.toISOString().slice(0, 10), subject: oneLine(subject, SUBJECT_BYTES) });
  }
  return commits;
}
