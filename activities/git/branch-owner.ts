import type { LandResult } from '../../model/contract/landing.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { instanceTrailer, sealTrailer, SUBJECT } from '../../model/report/commit-message.js';
import { oneLine } from '../../model/text/one-line.js';
import { gitFailure, type Git } from './git.js';
import { commitParts, isSealed } from './seal.js';

export interface Owner {
  readonly instance: string;
  /** Path of the lock that its updates are about. */
  readonly lockFile: string;
  /** A commit of the owner's: older ones, which have no seal, have the same author and committer. */
  readonly like: string;
}

/** The commits that a branch has beside those of main, if nobody but their owner made or changed any of them. */
export type OwnCommits =
  | {
      readonly kind: 'own';
      /** The commit that they are based on. */
      readonly base: string;
    }
  | {
      readonly kind: 'foreign';
      /** What the branch holds, as a clause without its subject. */
      readonly reason: string;
    };

/** More commits than any update has. */
const MOST = 1000;

/**
 * Whether every commit that a branch has beside those of main is as one instance of Lockkeeper made it. A branch that main
 * has caught up with is judged by the commit that it is at.
 * @param tip what the branch is at
 * @param known commits whose history is not the branch's own: main, and the base that the run started from
 */
export async function ownCommits(git: Git, tip: string, known: readonly string[], owner: Owner): Promise<OwnCommits> {
  const listed = await git.run(['rev-list', '--topo-order', `--max-count=${MOST}`, tip, '--not', ...known]);
  const commits = listed.split('\n').filter((line) => line !== '');
  let base = tip;
  for (const commit of commits.length === 0 ? [tip] : commits) {
    const raw = await git.run(['cat-file', 'commit', commit]);
    const [parent, ...others] = valuesOf(raw, 'parent');
    const reason = await foreign(git, commit, raw, owner);
    if (reason !== null) return { kind: 'foreign', reason };
    if (parent === undefined || others.length > 0)
      return { kind: 'foreign', reason: `holds commit ${commit.slice(0, 12)}, which is a merge` };
    base = parent;
  }
  return { kind: 'own', base };
}

const valuesOf = (raw: string, header: string): readonly string[] =>
  commitParts(raw)
    .headers.filter((line) => line.startsWith(`${header} `))
    .map((line) => line.slice(header.length + 1));

/** Why a commit is not the owner's, as a clause; `null` when it is. */
async function foreign(git: Git, commit: string, raw: string, owner: Owner): Promise<string | null> {
  const { message } = commitParts(raw);
  const instance = instanceTrailer(message);
  const short = commit.slice(0, 12);
  if (instance === null) return `holds commit ${short}, which is not of Lockkeeper`;
  if (instance !== owner.instance) return `holds an update of the instance ${oneLine(instance, 120)}`;
  if (isSealed(raw) || (await isPlainUpdate(git, commit, raw, owner))) return null;
  return `holds commit ${short}, which was changed since Lockkeeper made it`;
}

/**
 * Whether a commit without a seal, as version 0.1.0 made them, can be nothing but its own work: it changes one lock, and its
 * author, committer and both dates are as that version set them. An amended commit has another committer date.
 */
async function isPlainUpdate(git: Git, commit: string, raw: string, { lockFile, like }: Owner): Promise<boolean> {
  const { message } = commitParts(raw);
  if (sealTrailer(message) !== null || !message.startsWith(`${SUBJECT}\n`)) return false;
  const [author, committer] = peopleOf(raw);
  const [ownAuthor, ownCommitter] = peopleOf(await git.run(['cat-file', 'commit', like]));
  if (author?.date !== committer?.date || author?.date.endsWith(' +0000') !== true) return false;
  if (author.name !== ownAuthor?.name || committer?.name !== ownCommitter?.name) return false;
  const [parent, ...others] = valuesOf(raw, 'parent');
  if (parent === undefined || others.length > 0) return false;
  const changed = await git.run(['diff-tree', '-r', '-z', '--name-only', '--no-renames', parent, commit]);
  return changed === `${lockFile}\0`;
}

interface Signed {
  readonly name: string;
  /** Seconds since 1970, and the time zone. */
  readonly date: string;
}

/** Author and committer of a commit. */
const peopleOf = (raw: string): readonly (Signed | undefined)[] =>
  ['author', 'committer'].map((header) => {
    const [, name, date] = /^(.*>) (\d+ [+-]\d{4})$/.exec(valuesOf(raw, header)[0] ?? '') ?? [];
    return name === undefined || date === undefined ? undefined : { name, date };
  });

/** Whether one commit is another or in its history. Throws what `gitFailure` gives when one of them cannot be read. */
export async function isAncestor(git: Git, ancestor: string, descendant: string): Promise<boolean> {
  const result = await git.attempt(['merge-base', '--is-ancestor', ancestor, descendant]);
  // Only 1 is "no": git-merge-base(1).
  if (result.exitCode > 1) throw gitFailure('merge-base', result);
  return result.exitCode === 0;
}

/** The answer to a main that is not where a candidate can land. */
export const mainMoved = async (
  git: Git,
  { base }: Candidate,
  main: string,
): Promise<Extract<LandResult, { readonly kind: 'main-moved' }>> => ({
  kind: 'main-moved',
  main,
  ...((await isAncestor(git, base, main)) ? {} : { rewound: true }),
});
