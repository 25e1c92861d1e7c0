import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { mkdir, mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { isFailure, isFinal } from '../../model/run/failures.js';
import { PATCH_BYTES, type AttemptInput, type AttemptResult } from '../../model/autofix/attempt.js';
import { named, otherKind, refusal, type ChangedFile, type ProposedChange } from '../../model/autofix/guard.js';
import { withLockOf, type Candidate } from '../../model/verify/candidate.js';
import { oneLine } from '../../model/text/one-line.js';
import { formatSeconds, stripControl, truncate } from '../../model/text/text.js';
import { rememberSecret, withoutSecrets } from '../../host/secrets/redact.js';
import { timeLimit } from '../../host/time-limit.js';
import type { ActivityEnvironment } from '../environment.js';
import { candidateOf } from '../git/bundle.js';
import { commitTree } from '../git/commit.js';
import { fileAt, flakeFile, textOf } from '../git/flake-files.js';
import { followLinks, type Followed } from '../git/follow-links.js';
import { openGit, type Git } from '../git/git.js';
import { installBundle } from '../git/install-commit.js';
import { SCRATCH } from '../git/mirror.js';
import { messageOf } from '../../model/text/message-of.js';
import { removeTree } from '../files/remove-tree.js';
import { flakeShape } from '../nix/flake-file.js';
import { gitOver, type GitOver } from '../sandbox/own-tree.js';
import { readVariables } from '../sandbox/variables.js';
import { firstLook, tooMuch } from './first-look.js';
import { changedRules } from './judged-by.js';

export type Change = Pick<AttemptResult, 'kind' | 'reason' | 'candidate' | 'files' | 'patch'>;

/**
 * Judges what an agent left in its folder, and commits it on top of the candidate if it may be tried: one commit, whatever
 * the agent has committed itself. What is refused leaves nothing in the mirror. Safe to repeat: the same folder gives the
 * same commit. Whatever the folder holds, this ends in a bounded time and takes a bounded memory.
 */
export async function takeChange(env: ActivityEnvironment, input: AttemptInput, tree: string): Promise<Change> {
  const mirror = await installBundle(env, input);
  const late = timeLimit(JUDGING_MS);
  try {
    return await judge(mirror, input, tree, late);
  } catch (error) {
    if (cancellationSignal().aborted) throw error;
    if (late.aborted) return refused(`could not be checked within ${formatSeconds(JUDGING_MS / 1000)}`, [], '');
    // A permanent fault of the machine, such as a Nix that does not work, is not the fault of the change.
    if (!isOfTheFolder(error) && (isFinal(error) || activityInfo().attempt < JUDGING_TRIES)) throw error;
    return refused(`cannot be checked: ${oneLine(stripControl(messageOf(error)), REASON_BYTES)}`, [], '');
  }
}

const JUDGING_MS = 10 * 60 * 1000;
const REASON_BYTES = 300;

/** What fails as often as this does so because of what the folder holds. */
const JUDGING_TRIES = 5;

/** Git's word on the folder, and errors of the language, which come of what was read. */
const isOfTheFolder = (error: unknown): boolean =>
  error instanceof RangeError || error instanceof SyntaxError || isFailure(error, 'GitUnusable');

async function judge(mirror: string, input: AttemptInput, tree: string, signal: AbortSignal): Promise<Change> {
  // Names programs that Git would run, and is of no use any more.
  await removeTree(path.join(tree, '.git'));
  const scratch = await mkdtemp(`${mirror}${SCRATCH}`);
  try {
    const objects = path.join(scratch, 'objects');
    await mkdir(objects);
    const index = path.join(scratch, 'index');
    const seen = await firstLook(tree, input.agent.limits?.files ?? MOST_FILES);
    if ('reason' in seen) return refused(seen.reason, seen.files, '');
    const { nested, rules } = seen;
    if (nested.length > 0) return refused(`holds a Git repository of its own: ${named(nested)}`, nested, '');

    const git = gitOver(tree, { mirror, index, objects, signal });
    const values = await valuesOf(input.agent.envFile);
    const judging = await changedRules(git, input.candidate.head, tree, rules);
    if (judging.length > 0)
      return refused(`touches ${named(judging)}, which Git would use to judge the change`, judging, '');
    await git.run(['read-tree', input.candidate.head]);
    const much = await tooMuch(git, input.candidate.head, OF_THE_CHANGE);
    if (much !== null) return refused(clean(much.reason), much.files.map(clean), '');
    const left = await writeTree(git, input.candidate.head);
    const patch = truncate(clean(await patchOf(git, input.candidate.head, left)), PATCH_BYTES);
    const changed = await changedPaths(git, input.candidate.head, left);
    if (changed.length > Math.max(MOST_CHANGED, input.agent.rules.maxFiles)) {
      const reason = `changes ${changed.length} files, and ${input.agent.rules.maxFiles} are the limit`;
      return refused(
        reason,
        changed.slice(0, FILES_REPORTED).map((file) => clean(file.path)),
        patch,
      );
    }
    const change = await proposedChange(git, input, { left, changed }, values);
    const files = change.files.map((file) => clean(file.path)).slice(0, FILES_REPORTED);
    const fault = refusal(change, input.agent.rules);
    const reason = fault === null ? null : clean(fault);
    if (reason !== null) return change.files.length === 0 ? unchanged(reason) : refused(reason, files, patch);

    const last = gitOver(tree, { mirror, index: `${index}-last`, objects: path.join(mirror, 'objects'), signal });
    const accepted = await writeTree(last, input.candidate.head);
    // What an agent left running outside of a sandbox may go on writing.
    if (accepted !== left) return refused('was still being changed while it was judged', files, patch);
    return { kind: 'proposed', reason: null, candidate: await commit(mirror, input, accepted), files, patch };
  } finally {
    await removeTree(scratch);
  }
}

/** A report with many attempts has to stay below the 2 MB of a payload. */
const FILES_REPORTED = 20;
const PATH_BYTES = 1000;

/** Files and folders that are walked through, those that `.gitignore` leaves out included. */
const MOST_FILES = 1_000_000;

/** Changed files of which each one is looked at, whatever the owner lets an agent change. */
const MOST_CHANGED = 500;

const unchanged = (reason: string): Change => ({ kind: 'unchanged', reason, candidate: null, files: [], patch: '' });
const refused = (reason: string, files: readonly string[], patch: string): Change => ({
  kind: 'refused',
  reason,
  candidate: null,
  files: files.slice(0, FILES_REPORTED).map((file) => truncate(file, PATH_BYTES)),
  patch,
});

/** What Nix leaves where it builds, and aider where it works: its history, and a cache. */
const LEFT_BESIDE = ['result', 'result-*', '.aider*'];
const OF_THE_CHANGE = ['.', ...LEFT_BESIDE.map((name) => `:(exclude,top)${name}`)];

/** Tree of all that is in the folder but what .gitignore leaves out, and what tools leave beside their work. */
async function writeTree(git: Git, parent: string): Promise<string> {
  await git.run(['read-tree', parent]);
  await git.run(['add', '--all', '--', ...OF_THE_CHANGE]);
  return (await git.run(['write-tree'])).trim();
}

async function proposedChange(
  git: Git,
  { candidate, repository }: AttemptInput,
  { left, changed }: { readonly left: string; readonly changed: readonly ChangedPath[] },
  values: readonly string[],
): Promise<ProposedChange> {
  const files = await withLinks(git, changed);
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

/** A changed file as the lists of Git have it, with the object that it is now. */
type ChangedPath = Omit<ChangedFile, 'link'> & { readonly object: string };

async function changedPaths(git: Git, parent: string, left: string): Promise<readonly ChangedPath[]> {
  const between = ['-r', '-z', '--no-renames', `${parent}^{tree}`, left];
  const [raw, counts] = await Promise.all([
    git.run(['diff-tree', '--raw', ...between]),
    git.run(['diff-tree', '--numstat', ...between]),
  ]);
  const lines = new Map(counts.split('\0').map((entry) => countOf(entry)));
  const fields = raw.split('\0');
  const files: ChangedPath[] = [];
  // `:OLDMODE MODE OLD NEW STATUS`, then the path: git-diff-tree(1).
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [was = '', mode = '', , object = ''] = (fields[at] ?? '').replace(/^:/, '').split(' ');
    const file = fields[at + 1] ?? '';
    files.push({ path: file, was, mode, lines: lines.get(file) ?? null, object });
  }
  return files;
}

async function withLinks(git: Git, changed: readonly ChangedPath[]): Promise<readonly ChangedFile[]> {
  const files: ChangedFile[] = [];
  for (const { object, ...file } of changed)
    files.push({ ...file, link: file.mode === '120000' ? await git.run(['cat-file', 'blob', object]) : null });
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

/** A value that is not as long may well stand in a configuration. */
const LONG = 16;

/** Values of the agent's variables, line by line, which are secrets from now on; none when the file was taken away meanwhile. */
async function valuesOf(envFile: string | null): Promise<readonly string[]> {
  const variables = await readVariables(envFile).catch(() => new Map<string, string>());
  for (const value of variables.values()) rememberSecret(value);
  return [...variables.values()].flatMap((value) => value.split('\n'));
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
const clean = (text: string): string => withoutSecrets(stripControl(text));

/** The beginning of the change, which may be cut anywhere: of that `PATCH_BYTES` are shown. */
const patchOf = async (git: GitOver, parent: string, left: string): Promise<string> =>
  (await git.bounded(['diff-tree', '-p', '--no-ext-diff', '--no-textconv', `${parent}^{tree}`, left], PATCH_READ))
    .stdout;

const PATCH_READ = 1024 ** 2;

async function commit(mirror: string, input: AttemptInput, tree: string): Promise<Candidate> {
  const { candidate, message, ...signature } = input;
  const made = await commitTree(openGit(mirror), { tree, parents: [candidate.head], message }, signature);
  return withLockOf(await candidateOf(mirror, candidate.base, made), candidate);
}
