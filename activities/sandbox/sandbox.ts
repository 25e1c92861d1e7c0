import { realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { AS_NOBODY, NOBODY, apart, triedInSandbox } from '../../model/sandbox/sandbox.js';
import { oneLine } from '../../model/text/one-line.js';
import { run } from '../command/process.js';
import { Unusable } from './unusable.js';
import { isVisible, mountArguments, readOnly, usualMounts, type Mount } from './visible.js';

/** What an agent gets of the machine, beside what every agent gets. */
export interface Sandbox {
  /** Absolute path of the agent's command. */
  readonly command: string;
  /** Its PATH: what of it is elsewhere is brought along. */
  readonly folders: readonly string[];
  readonly mounts: readonly Mount[];
  /** Files and folders that it must not see, whatever is mounted. */
  readonly hidden: readonly string[];
  readonly directory: string;
}

export const isRoot = (): boolean => process.getuid?.() === 0;

/** Whether bubblewrap is here and may make what a sandbox needs, which containers and kernels may forbid. */
export async function canSandbox(): Promise<boolean> {
  const tried = await run('bwrap', triedInSandbox(isRoot()), { timeoutMs: 10_000 });
  return tried.exitCode === 0;
}

/**
 * Arguments of bwrap(1), up to the agent's command. The sandbox is made once with a command that does nothing, because bwrap's
 * own complaint could not be told from the agent's words later.
 * @throws Unusable with bwrap's complaint when the sandbox cannot be made
 */
export async function sandboxArguments({
  command,
  folders,
  mounts,
  hidden,
  directory,
}: Sandbox): Promise<readonly string[]> {
  const usual = [...(await usualMounts()), ...mounts];
  const programs = [command, ...folders].filter((each) => !isVisible(each, usual) && each !== homedir());
  const useful = await Promise.all(programs.map(isForAgent));
  const all = [...usual, ...programs.filter((_, index) => useful[index] === true).map((each) => readOnly(each))];
  const made = [
    ...apart(isRoot()),
    ...ownNumbers(),
    ...(await mountArguments(all, hidden)),
    // What is made of memory is not to be written to: nobody would count it.
    ...['--remount-ro', '/dev', '--remount-ro', '/'],
    // Root without its rights may not enter a folder of the agent's.
    ...(isRoot() ? ['--', ...AS_NOBODY, 'env', `--chdir=${directory}`] : ['--chdir', directory, '--']),
  ];
  const tried = await run('bwrap', ['--unshare-net', ...made, '/bin/sh', '-c', 'exit 0'], { timeoutMs: 30_000 });
  if (tried.exitCode !== 0)
    throw new Unusable(`its sandbox cannot be made: ${tried.stderr.trim().split('\n').at(-1) ?? ''}`);
  return made;
}

/** The worker's user keeps its numbers in a user namespace, also in one that lies in another one. */
const ownNumbers = (): readonly string[] =>
  isRoot() ? [] : ['--uid', String(process.getuid?.()), '--gid', String(process.getgid?.())];

/** Whether a program or a folder of programs is there, and is for everybody where the agent is nobody. */
async function isForAgent(file: string): Promise<boolean> {
  const mode = (await stat(file).catch(() => null))?.mode ?? 0;
  return isRoot() ? (mode & 0o5) === 0o5 : mode !== 0;
}

/** Gives folders to the account that root's agents run as. */
export async function giveToAgent(folders: readonly string[]): Promise<void> {
  if (!isRoot()) return;
  const given = await run('chown', ['--recursive', '--no-dereference', `${NOBODY}:${NOBODY}`, '--', ...folders]);
  if (given.exitCode !== 0) throw new Unusable(`its folders cannot be given to it: ${given.stderr.trim()}`);
}

/**
 * Looks whether the account that root's agents run as may read what they are lent: not what others may not.
 * @param hidden what they are not to see anyway
 * @throws Unusable that names the first file or folder that it may not read
 */
export async function refuseUnreadable(lent: readonly string[], hidden: readonly string[]): Promise<void> {
  if (!isRoot() || lent.length === 0) return;
  const known = await Promise.all(hidden.map((each) => realpath(each).catch(() => null)));
  const passedOver = known.flatMap((each) => (each === null ? [] : ['-samefile', each, '-prune', '-o']));
  const closed = ['(', '-type', 'd', '!', '-perm', '-005', '-o', '-type', 'f', '!', '-perm', '-004', ')'];
  const found = await run('find', ['-L', ...lent, ...passedOver, ...closed, '-print', '-quit'], { timeoutMs: 60_000 });
  const [unreadable = ''] = found.stdout.split('\n');
  if (unreadable === '') return;
  throw new Unusable(
    `the agent of a root worker runs as nobody, who may not read ${oneLine(unreadable, 300)}, which it is lent (--autofix-home-path): ` +
      'let others read it (chmod o+rX), or run the worker as another user',
  );
}

/** Absolute folders of a PATH. */
export const foldersOf = (searched: string): readonly string[] =>
  searched.split(path.delimiter).filter((folder) => path.isAbsolute(folder));
