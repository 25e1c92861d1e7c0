import { createHash } from 'node:crypto';
import { sealTrailer, withoutSeal } from '../../model/git/commit-message.js';

/** The parts of a commit object, as `git cat-file commit` prints it. */
interface CommitParts {
  readonly headers: readonly string[];
  readonly message: string;
}

export function commitParts(raw: string): CommitParts {
  const end = raw.indexOf('\n\n');
  return end === -1
    ? { headers: raw.split('\n'), message: '' }
    : { headers: raw.slice(0, end).split('\n'), message: raw.slice(end + 2) };
}

/** Headers without signatures, whose further lines begin with a space. */
function unsigned(headers: readonly string[]): readonly string[] {
  let inSignature = false;
  return headers.filter((line) => {
    inSignature = line.startsWith(' ') ? inSignature : /^gpgsig(?:-sha256)? /.test(line);
    return !inSignature;
  });
}

/**
 * The seal of a commit: a hash of all that the commit says (tree, parents, people, dates, message), without the seal's own
 * line and without signatures. Whoever amends, rebases or cherry-picks the commit breaks it, also when the message stays.
 * It keeps nobody from forging one: it tells what a person has touched from what nobody has.
 * @param raw what `git cat-file commit` prints
 */
export function sealOf(raw: string): string {
  const { headers, message } = commitParts(raw);
  const text = [...unsigned(headers), '', withoutSeal(message)].join('\n');
  return createHash('sha256').update(text).digest('hex');
}

/** Whether a commit is as Lockkeeper made it. Commits of version 0.1.0 have no seal. */
export const isSealed = (raw: string): boolean => sealTrailer(commitParts(raw).message) === sealOf(raw);
