import { createHash } from 'node:crypto';
import { sealTrailer, withoutSeal } from '../../model/report/commit-message.js';

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

/** Which headers are of signatures; their further lines begin with a space. */
function inSignature(headers: readonly string[]): readonly boolean[] {
  let is = false;
  return headers.map((line) => (is = line.startsWith(' ') ? is : /^gpgsig(?:-sha256)? /.test(line)));
}

/** A commit as it is signed, and what its signature is; `null` without one. */
export function unsignedCommit(raw: string): { readonly payload: string; readonly signature: string | null } {
  const { headers, message } = commitParts(raw);
  const isSignature = inSignature(headers);
  const of = (wanted: boolean): string => headers.filter((_, index) => isSignature[index] === wanted).join('\n');
  const signature = of(true)
    .replace(/^gpgsig(?:-sha256)? /, '')
    .replaceAll('\n ', '\n');
  return { payload: `${of(false)}\n\n${message}`, signature: signature === '' ? null : signature };
}

/** When a commit was made, in seconds since 1970; `null` when it does not say so. */
export function committedAt(raw: string): number | null {
  const committer = /^committer .*> (\d+) [+-]\d+$/m.exec(commitParts(raw).headers.join('\n'));
  return committer === null ? null : Number(committer[1]);
}

/** A commit with a signature where Git looks for it. */
export function signedCommit(payload: string, signature: string): string {
  const { headers, message } = commitParts(payload);
  const header = `gpgsig ${signature.replaceAll('\r', '').trimEnd().replaceAll('\n', '\n ')}`;
  return [...headers, header, '', message].join('\n');
}

/**
 * The seal of a commit: a hash of all that the commit says (tree, parents, people, dates, message), without the seal's own
 * line and without signatures. Amending, rebasing or cherry-picking the commit breaks it, even if the message stays.
 * It keeps nobody from forging one: it tells what a person has touched from what nobody has.
 * @param raw what `git cat-file commit` prints
 */
export function sealOf(raw: string): string {
  const { headers, message } = commitParts(unsignedCommit(raw).payload);
  const text = [...headers, '', withoutSeal(message)].join('\n');
  return createHash('sha256').update(text).digest('hex');
}

/** Whether a commit is as Lockkeeper made it. Commits of version 0.1.0 have no seal. */
export const isSealed = (raw: string): boolean => sealTrailer(commitParts(raw).message) === sealOf(raw);
