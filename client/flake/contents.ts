import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { FlakeLockError } from '../../model/flake-lock/types.js';
import { rootInputs } from '../../model/flake-lock/walk.js';
import type { ConfigEntry } from '../../model/git/environment.js';
import { namesExpression, type NamedSet } from '../../model/nix/names-expression.js';
import { nixString } from '../../model/nix/text.js';
import { pathsToLookUp } from '../../model/targets/choose.js';
import { DEFAULT_KIND, outputKinds } from '../../model/targets/index.js';
import { compareNaturally } from '../../model/text/natural-order.js';
import { oneLine } from '../../model/text/one-line.js';
import type { NixSettings, Repository } from '../../model/run/options.js';
import { stripControl } from '../../model/text/text.js';
import { askProgram } from './ask-program.js';
import { git, whyNot } from './git.js';
import { FETCH_MS, inScratch, type Scratch } from './scratch.js';

const EVALUATE_MS = 60_000;

/** What was looked for, or why it cannot be told. */
export type Told<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** What the main branch of a repository has, as far as it can be told without a worker. */
export interface FlakeContents {
  readonly commit: string;
  /** Whether there is a `flake.nix` where the flake is said to be. */
  readonly hasFlake: boolean;
  /** Names of the inputs that the lock has. */
  readonly inputs: Told<readonly string[]>;
  readonly outputs: Told<Outputs>;
  /** Whether the remote lets this user push; `null` where there is no remote. Nothing is pushed. */
  readonly pushes: Told<null> | null;
}

export interface Outputs {
  readonly hosts: readonly string[];
  /** What the patterns of targets that were asked about may mean. */
  readonly sets: readonly NamedSet[];
  /** Names of all outputs, such as `packages`. */
  readonly all: readonly string[];
}

interface Evaluation extends Pick<NixSettings, 'options' | 'impure'> {
  /** Patterns of targets that are looked up. */
  readonly patterns?: readonly string[];
}

/**
 * Looks at the newest commit of a repository's main branch, in a copy of it alone that is removed again. Credentials are
 * those of the repository; Nix fetches inputs that its store lacks as this user.
 * @param asksToPush whether the remote is asked if it would take a push
 */
export const flakeContents = (
  repository: Repository,
  evaluation: Evaluation,
  asksToPush: boolean,
): Promise<Told<FlakeContents>> =>
  inScratch(repository, (scratch) => look(scratch, repository, evaluation, asksToPush));

async function look(
  { folder, own }: Scratch,
  { url, mainBranch, dir, local }: Repository,
  evaluation: Evaluation,
  asksToPush: boolean,
): Promise<Told<FlakeContents>> {
  const fetched = await own([
    'fetch',
    '--quiet',
    '--depth=1',
    '--no-tags',
    '--',
    url,
    `+refs/heads/${mainBranch}:${LOOK}`,
  ]);
  if (!fetched.ok) return { ok: false, why: whyNot(fetched, FETCH_MS) };
  const commit = (await own(['rev-parse', LOOK])).stdout.trim();
  /** Links within the repository are followed; `null` when there is no such file. */
  const textOf = async (file: string): Promise<string | null> => {
    const input = `${commit}:${dir === '' ? '' : `${dir}/`}${file}\n`;
    const { stdout } = await own(['cat-file', '--batch', '--follow-symlinks'], { input });
    return /^[0-9a-f]+ blob \d+\n([^]*)$/.exec(stdout)?.[1] ?? null;
  };
  const hasFlake = (await textOf('flake.nix')) !== null;
  const lock = await textOf('flake.lock');
  const [outputs, pushes] = await Promise.all([
    hasFlake
      ? addressWithoutHistory(folder, commit, dir).then((address) => outputsOf(address, evaluation))
      : { ok: false as const, why: 'there is no flake.nix' },
    local || !asksToPush
      ? null
      : own(['push', '--dry-run', '--quiet', '--', url, `${commit}:refs/heads/lockkeeper-may-push`]),
  ]);
  return {
    ok: true,
    value: {
      commit,
      hasFlake,
      inputs: inputsOf(lock),
      outputs,
      pushes:
        pushes === null ? null : pushes.ok ? { ok: true, value: null } : { ok: false, why: whyNot(pushes, FETCH_MS) },
    },
  };
}

const LOOK = 'refs/heads/look';

/**
 * Address of a flake for Nix. Nix 2.8 reads no repository whose history is cut off, so the commit's files are those of another one that
 * has no history, in a repository of its own that borrows the objects of the first.
 */
async function addressWithoutHistory(folder: string, commit: string, dir: string): Promise<string> {
  const whole = join(folder, 'whole');
  await git(['init', '--quiet', '--bare', '--template=', whole], { cwd: folder });
  await mkdir(join(whole, 'objects', 'info'), { recursive: true });
  await writeFile(join(whole, 'objects', 'info', 'alternates'), `${join(folder, 'objects')}\n`);
  const own = (...args: readonly string[]): ReturnType<typeof git> =>
    git(args, { cwd: whole, access: { config: NOBODY, variables: { GIT_DIR: whole } } });
  const made = (await own('commit-tree', '-m', 'look', `${commit}^{tree}`)).stdout.trim();
  await own('update-ref', LOOK, made);
  await own('symbolic-ref', 'HEAD', LOOK);
  return `git+file://${encoded(whole)}?ref=${LOOK}&rev=${made}&shallow=1${dir === '' ? '' : `&dir=${encoded(dir)}`}`;
}

const NOBODY: readonly ConfigEntry[] = [
  ['user.name', 'nobody'],
  ['user.email', 'nobody@localhost'],
];

const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

function inputsOf(lock: string | null): Told<readonly string[]> {
  try {
    return { ok: true, value: rootInputs(parseFlakeLock(lock)).map(({ name }) => name) };
  } catch (error) {
    if (error instanceof FlakeLockError) return { ok: false, why: error.message.replace(/\.$/, '') };
    throw error;
  }
}

/** Names alone are evaluated: a host that throws hides no other. */
async function outputsOf(flakeUrl: string, { options, impure, patterns = [] }: Evaluation): Promise<Told<Outputs>> {
  const hosts = `outputs.${outputKinds[DEFAULT_KIND].output ?? ''}`;
  const names =
    `let outputs = (builtins.getFlake ${nixString(flakeUrl)}).outputs; in ` +
    `{ all = builtins.attrNames outputs; hosts = builtins.attrNames (${hosts} or { }); ` +
    `sets = ${namesExpression(flakeUrl, pathsToLookUp(patterns))}; }`;
  const settings = [...options, ['accept-flake-config', 'false'], ['warn-dirty', 'false']].flatMap(
    ([name = '', value = '']) => ['--option', name, value],
  );
  const features = ['--extra-experimental-features', 'nix-command flakes'];
  const answer = await askProgram(
    'nix',
    ['eval', ...features, ...settings, ...(impure ? ['--impure'] : []), '--json', '--expr', names],
    { timeoutMs: EVALUATE_MS, isRemote: true },
  );
  if (answer.exitCode === 0) {
    const found = JSON.parse(answer.stdout) as Outputs;
    return { ok: true, value: { ...found, hosts: [...found.hosts].sort(compareNaturally) } };
  }
  if (answer.exceeded === 'time') return { ok: false, why: `no answer within ${EVALUATE_MS / 1000} s` };
  if (answer.notFound) return { ok: false, why: 'there is no Nix on the PATH' };
  // Of a fetch that failed, Git's own words tell why.
  const errors = [
    ...stripControl(answer.stderr).matchAll(/^ *(?:error|fatal): *(?!program 'git' failed)(\S.*)$/gm),
  ].map((found) => found[1] ?? '');
  return {
    ok: false,
    why: oneLine(
      errors.at(-1) ?? `nix ended with ${answer.signal ?? `status ${answer.exitCode ?? 'unknown'}`}`,
      300,
    ).replace(/\.$/, ''),
  };
}
