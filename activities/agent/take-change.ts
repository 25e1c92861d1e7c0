import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { AttemptInput } from '../../model/autofix/attempt.js';
import { PATCH_BYTES } from '../../model/autofix/attempt.js';
import type { AttemptResult } from '../../model/autofix/attempt.js';
import { named, otherKind, refusal } from '../../model/autofix/guard.js';
import type { ChangedFile, ProposedChange } from '../../model/autofix/guard.js';
import { withLockOf, type Candidate } from '../../model/candidate.js';
import { stripControl, truncate } from '../../model/text.js';
import type { ActivityEnvironment } from '../environment.js';
import { candidateOf } from '../git/bundle.js';
import { commitTree } from '../git/commit.js';
import { fileAt, flakeFile, textOf } from '../git/flake-files.js';
import { followLinks, type Followed } from '../git/follow-links.js';
import { openGit } from '../git/git.js';
import type { Git } from '../git/git.js';
import { installBundle } from '../git/install-commit.js';
import { SCRATCH } from '../git/mirror.js';
import { unlock } from '../remove-tree.js';
import { flakeShape } from '../nix/lock/flake-file.js';
import { gitOver } from './agent-tree.js';
import { readVariables } from '../sandbox/variables.js';
import { changedRules, isRuleFile } from './judged-by.js';

export type Change = Pick<AttemptResult, 'kind' | 'reason' | 'candidate' | 'files' | 'patch'>;

/**
 * Judges what an agent left in its folder, and commits it on top of the candidate if it may be tried: one commit, whatever
 * the agent has committed itself. What is refused leaves nothing in the mirror. Safe to repeat: the same folder gives the
 * same commit.
 */
export async function takeChange(env: ActivityEnvironment, input: AttemptInput, tree: string): Promise<Change> {
  const mirror = await installBundle(env, input);
  await unlock(tree);
  // Names programs that Git would run, and is of no use any more.
  await rm(path.join(tree, '.git'), { recursive: true, force: true });
  const scratch = await mkdtemp(`${mirror}${SCRATCH}`);
  try {
    const objects = path.join(scratch, 'objects');
    await mkdir(objects);
    const index = path.join(scratch, 'index');
    const { nested, rules } = await filesForGit(tree);
    if (nested.length > 0) return refused(`holds a Git repository of its own: ${nested.join(', ')}`, nested, '');

    const git = gitOver(tree, mirror, index, objects);
    const judging = await changedRules(git, input.candidate.head, tree, rules);
    if (judging.length > 0)
      return refused(`touches ${named(judging)}, by which Git would judge the change`, judging, '');
    const values = await valuesOf(input.agent.envFile);
    const left = await writeTree(git, input.candidate.head);
    const change = await proposedChange(git, input, left, values);
    const clean = withoutSecrets(values);
    const patch = truncate(clean(await patchOf(git, input.candidate.head, left)), PATCH_BYTES);
    const files = change.files.map((file) => clean(file.path)).slice(0, FILES_REPORTED);
    const fault = refusal(change, input.agent.rules);
    const reason = fault === null ? null : clean(fault);
    if (reason !== null) return change.files.length === 0 ? unchanged(reason) : refused(reason, files, patch);

    await rm(index, { force: true });
    const accepted = await writeTree(gitOver(tree, mirror, index, path.join(mirror, 'objects')), input.candidate.head);
    // What an agent left running outside of a sandbox may go on writing.
    if (accepted !== left) return refused('was still being changed while it was judged', files, patch);
    return { kind: 'proposed', reason: null, candidate: await commit(mirror, input, accepted), files, patch };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A report with many attempts has to stay below the 2 MB of a payload. */
const FILES_REPORTED = 20;

const unchanged = (reason: string): Change => ({ kind: 'unchanged', reason, candidate: null, files: [], patch: '' });
const refused = (reason: string, files: readonly string[], patch: string): Change => ({
  kind: 'refused',
  reason,
  candidate: null,
  files,
  patch,
});

/**
 * What Git must not see before it was looked at: repositories, into which it looks with their own configuration, and files
 * with rules. Paths from the root of the tree, sorted.
 */
async function filesForGit(
  tree: string,
): Promise<{ readonly nested: readonly string[]; readonly rules: readonly string[] }> {
  const all = await readdir(tree, { recursive: true, withFileTypes: true });
  const paths = (wanted: (name: string) => boolean): readonly string[] =>
    all
      .filter(({ name }) => wanted(name))
      .map((entry) => path.relative(tree, path.join(entry.parentPath, entry.name)))
      .sort();
  return { nested: paths((name) => name.toLowerCase() === '.git'), rules: paths(isRuleFile) };
}

/** What Nix leaves where it builds, and aider where it works: its history, and a cache. */
const LEFT_BESIDE = ['result', 'result-*', '.aider*'];

/** Tree of all that is in the folder but what .gitignore leaves out, and what tools leave beside their work. */
async function writeTree(git: Git, parent: string): Promise<string> {
  await git.run(['read-tree', parent]);
  await git.run(['add', '--all', '--', '.', ...LEFT_BESIDE.map((name) => `:(exclude,top)${name}`)]);
  return (await git.run(['write-tree'])).trim();
}

async function proposedChange(
  git: Git,
  { candidate, repository }: AttemptInput,
  left: string,
  values: readonly string[],
): Promise<ProposedChange> {
  const files = await changedFiles(git, candidate.head, left);
  const follow = (tree: string, name: string): Promise<Followed> => followLinks(git, tree, flakeFile(repository, name));
  const [flake, lock, flakeLeft] = await Promise.all([
    follow(candidate.head, 'flake.nix'),
    follow(candidate.head, 'flake.lock'),
    follow(left, 'flake.nix'),
  ]);
  const read = new Set([...flake.way, ...flakeLeft.way]);
  return {
    files,
    lock: lock.kind === 'found' ? lock.path : flakeFile(repository, 'flake.lock'),
    otherKind: otherKind(files, [...flake.way, ...lock.way]),
    flake: files.some((file) => read.has(file.path))
      ? await compareFlakes(await textOf(git, candidate.head, flake), await textOf(git, left, flakeLeft))
      : 'same',
    secretsIn: await filesWith(git, left, files, values),
  };
}

async function changedFiles(git: Git, parent: string, left: string): Promise<readonly ChangedFile[]> {
  const between = ['-r', '-z', '--no-renames', `${parent}^{tree}`, left];
  const [raw, counts] = await Promise.all([
    git.run(['diff-tree', '--raw', ...between]),
    git.run(['diff-tree', '--numstat', ...between]),
  ]);
  const lines = new Map(counts.split('\0').map((entry) => countOf(entry)));
  const fields = raw.split('\0');
  const files: ChangedFile[] = [];
  // `:OLDMODE MODE OLD NEW STATUS`, then the path: git-diff-tree(1).
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [was = '', mode = '', , object = ''] = (fields[at] ?? '').replace(/^:/, '').split(' ');
    const file = fields[at + 1] ?? '';
    const link = mode === '120000' ? await git.run(['cat-file', 'blob', object]) : null;
    files.push({ path: file, was, mode, link, lines: lines.get(file) ?? null });
  }
  return files;
}

/** `ADDED\tREMOVED\tPATH`, with dashes in place of numbers for a binary file. */
function countOf(entry: string): readonly [path: string, lines: number | null] {
  const [added = '', removed = '', ...rest] = entry.split('\t');
  return [rest.join('\t'), added === '-' ? null : Number(added) + Number(removed)];
}

async function compareFlakes(before: string | null, after: string | null): Promise<ProposedChange['flake']> {
  if (after === null) return 'unreadable';
  const [one, other] = await Promise.all([flakeShape(before ?? ''), flakeShape(after)]);
  if (other === null) return 'unreadable';
  return one === other ? 'same' : 'changed';
}

/** A shorter value is no secret, and one that is not as long may well stand in a configuration. */
const SECRET_LENGTH = 8;
const LONG = 16;

/** Values of the agent's variables, line by line; none when the file was taken away meanwhile. */
async function valuesOf(envFile: string | null): Promise<readonly string[]> {
  const variables = await readVariables(envFile).catch(() => new Map<string, string>());
  return [...variables.values()].flatMap((value) => value.split('\n')).filter(({ length }) => length >= SECRET_LENGTH);
}

async function filesWith(
  git: Git,
  left: string,
  files: readonly ChangedFile[],
  values: readonly string[],
): Promise<readonly string[]> {
  const secrets = values.filter(({ length }) => length >= LONG);
  if (secrets.length === 0) return [];
  const found: string[] = [];
  for (const { path: file, mode } of files) {
    if (mode === '000000') continue;
    const text = `${file}\n${(await fileAt(git, left, file)) ?? ''}`;
    if (secrets.some((secret) => text.includes(secret))) found.push(file);
  }
  return found;
}

/** Secrets may stand in the names of files as well. */
const withoutSecrets =
  (values: readonly string[]) =>
  (text: string): string =>
    values.reduce((left, value) => left.replaceAll(value, '[secret]'), stripControl(text));

const patchOf = (git: Git, parent: string, left: string): Promise<string> =>
  git.run(['diff-tree', '-p', '--no-ext-diff', '--no-textconv', `${parent}^{tree}`, left]);

async function commit(mirror: string, input: AttemptInput, tree: string): Promise<Candidate> {
  const { candidate, message, ...signature } = input;
  const made = await commitTree(openGit(mirror), { tree, parents: [candidate.head], message }, signature);
  return withLockOf(await candidateOf(mirror, candidate.base, made), candidate);
}
