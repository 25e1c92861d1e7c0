import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Candidate } from '../../model/verify/candidate.js';
import { instanceTrailer, withoutSeal, withSeal } from '../../model/report/commit-message.js';
import type { Environment } from '../../model/git/environment.js';
import type { Person } from '../../model/git/person.js';
import type { Repository } from '../../model/run/options.js';
import type { ActivityEnvironment } from '../environment.js';
import { candidateOf } from './bundle.js';
import { findFile } from './flake-files.js';
import { openGit, type Git } from './git.js';
import { installCommit } from './install-commit.js';
import { commitRef, SCRATCH } from './mirror.js';
import type { Signer } from '../../host/signing/index.js';
import { sealOf, signedCommit } from './seal.js';

/** Who makes a commit, and when. With them the same content gives the same commit on every machine. */
export interface Signature {
  readonly author: Person;
  readonly committer: Person;
  /** Seconds since 1970, of author and committer alike. */
  readonly date: number;
}

interface FileCommit extends Signature {
  readonly repository: Repository;
  readonly parent: string;
  /** From the root of the repository; a link in its place stays, and the file that it leads to is written. */
  readonly path: string;
  readonly content: string;
  readonly message: string;
}

const signatureVariables = ({ author, committer, date }: Signature): Environment => ({
  GIT_AUTHOR_NAME: author.name,
  GIT_AUTHOR_EMAIL: author.email,
  GIT_AUTHOR_DATE: `@${date} +0000`,
  GIT_COMMITTER_NAME: committer.name,
  GIT_COMMITTER_EMAIL: committer.email,
  GIT_COMMITTER_DATE: `@${date} +0000`,
});

/** Commits a tree of the mirror, sealed where the message says whose it is. The same input gives the same commit. */
export async function commitTree(
  git: Git,
  commit: { readonly tree: string; readonly parents: readonly string[]; readonly message: string },
  signature: Signature,
  signer: Signer | null = null,
): Promise<string> {
  const parents = commit.parents.flatMap((parent) => ['-p', parent]);
  const env = signatureVariables(signature);
  const make = async (message: string): Promise<string> =>
    (await git.run(['commit-tree', ...parents, '-F', '-', commit.tree], { input: message, env })).trim();
  const plain = await make(withoutSeal(commit.message));
  const unsigned =
    instanceTrailer(commit.message) === null
      ? plain
      : await make(withSeal(commit.message, sealOf(await git.run(['cat-file', 'commit', plain]))));
  const head = signer === null ? unsigned : await signCommit(git, unsigned, signature.date, signer);
  await git.run(['update-ref', commitRef(head), head]);
  return head;
}

async function signCommit(git: Git, commit: string, date: number, signer: Signer): Promise<string> {
  const payload = await git.run(['cat-file', 'commit', commit]);
  const input = signedCommit(payload, await signer.sign(payload, date));
  return (await git.run(['hash-object', '-t', 'commit', '-w', '--stdin'], { input })).trim();
}

/** The tree of `parent` with one file written, made in an index of its own: no work tree, no filters, no line endings. */
async function treeWith(git: Git, commit: FileCommit): Promise<string> {
  const scratch = await mkdtemp(`${git.directory}${SCRATCH}`);
  const env = { GIT_INDEX_FILE: path.join(scratch, 'index') };
  try {
    const [blob, found] = await Promise.all([
      git.run(['hash-object', '-w', '--stdin'], { input: commit.content }),
      findFile(git, commit.repository, commit.parent, commit.path),
      git.run(['read-tree', commit.parent], { env }),
    ]);
    const { path: file, mode } = found.kind === 'found' ? found : { path: commit.path, mode: '' };
    const input = `${mode === '100755' ? mode : '100644'} ${blob.trim()}\t${file}\0`;
    await git.run(['update-index', '-z', '--index-info'], { env, input });
    return (await git.run(['write-tree'], { env })).trim();
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Commits one file on top of `parent`, in the mirror. The same input gives the same candidate, byte for byte.
 * Throws `BundleTooLarge`, what `findFile` throws, and what `installCommit` throws when `parent` is not to be had.
 */
export async function commitFile(env: ActivityEnvironment, commit: FileCommit): Promise<Candidate> {
  const mirror = await installCommit(env, commit.repository, commit.parent);
  const git = openGit(mirror);
  const tree = await treeWith(git, commit);
  const head = await commitTree(git, { tree, parents: [commit.parent], message: commit.message }, commit);
  return candidateOf(mirror, commit.parent, head);
}
