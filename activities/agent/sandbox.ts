import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { APART, TRIED_IN_SANDBOX } from '../../model/autofix/sandbox.js';
import { exists } from '../exists.js';
import { run } from '../process.js';

/** What an agent sees of the machine: all of it read-only but for these. */
export interface Sandbox {
  /** Folders that are empty for it, and files that are. */
  readonly hidden: readonly string[];
  /** Paths that it sees although they lie in hidden folders, and under which path. */
  readonly shown: readonly (readonly [from: string, to: string])[];
  /** Folders that it may write to. */
  readonly writable: readonly string[];
  readonly directory: string;
}

/** Where people and services keep what is theirs: keys, tokens, sockets. */
const PRIVATE_FOLDERS = [
  '/home',
  '/root',
  '/tmp',
  '/var/tmp',
  '/run/user',
  '/run/secrets',
  '/run/secrets.d',
  '/run/agenix',
  '/run/agenix.d',
  '/run/keys',
  '/run/credentials',
  // Whoever talks to these is as good as root.
  '/run/docker.sock',
  '/run/podman',
  '/run/containerd',
  '/run/libvirt',
  '/run/incus',
];

/** Those of the usual hidden folders, and of others, that are on this machine. */
export async function hiddenPaths(more: readonly string[]): Promise<readonly string[]> {
  const all = [...new Set([...PRIVATE_FOLDERS, homedir(), ...more])].filter((each) => each !== '/');
  const there = await Promise.all(all.map(exists));
  return all.filter((_, index) => there[index] === true);
}

/** Arguments of bwrap(1), before the command. */
export async function sandboxArguments({ hidden, shown, writable, directory }: Sandbox): Promise<string[]> {
  const covers = await Promise.all(
    hidden.map(async (each) =>
      (await stat(each)).isDirectory() ? ['--tmpfs', each] : ['--ro-bind', '/dev/null', each],
    ),
  );
  const mounts = [
    ...covers,
    ...writable.map((each) => ['--bind', each, each]),
    ...shown.map(([from, to]) => ['--ro-bind-try', from, to]),
  ];
  const length = (mount: readonly string[]): number => mount.at(-1)?.length ?? 0;
  // Later ones lie above earlier ones: a folder in another one has to come after it, whatever is made of the two.
  return [...APART, ...mounts.sort((one, other) => length(one) - length(other)).flat(), '--chdir', directory, '--'];
}

/** Whether bubblewrap is here and may make what a sandbox needs, which containers and kernels may forbid. */
export async function canSandbox(): Promise<boolean> {
  const tried = await run('bwrap', TRIED_IN_SANDBOX, { timeoutMs: 10_000 });
  return tried.exitCode === 0;
}

/** Whether a path lies in one of the hidden folders. */
export const isHidden = (file: string, hidden: readonly string[]): boolean =>
  hidden.some((folder) => file === folder || file.startsWith(folder + path.sep));
