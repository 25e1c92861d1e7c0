import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AgentNetwork } from '../../model/sandbox/sandbox.js';
import { LIMIT_PROGRAM, type SandboxLimits } from '../../model/sandbox/limits.js';
import { exists } from '../../host/files.js';
import { type Limited, openLimits } from '../limits/index.js';
import { run } from '../command/process.js';
import { missingForNetwork, RESOLVER, withOwnNetwork } from './network.js';
import { DAEMON_FOLDER } from './nix-access.js';
import { canSandbox, foldersOf, giveToAgent, isRoot, refuseUnreadable, sandboxArguments } from './sandbox.js';
import { Unusable } from './unusable.js';
import { readOnly, type Mount } from './visible.js';

/** Folders of a command in a sandbox, which it may write to, and a file that says how its names are resolved. */
export interface SandboxPlace {
  readonly tree: string;
  readonly home: string;
  readonly temporary: string;
  /** `resolv.conf` of its network. */
  readonly resolver: string;
}

/** A command that an agent is, or that runs what an agent wrote. */
export interface Distrusted {
  /** Absolute path. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly place: SandboxPlace;
  /** Where it starts: the tree, or a folder in it. */
  readonly directory: string;
  /** Files and folders of the machine that it may read, with their places below its home. */
  readonly lent: readonly Mount[];
  /** Files and folders of the machine that it must not see, wherever they are. */
  readonly hidden: readonly string[];
  readonly network: AgentNetwork;
  /** Folder of its record: `endLeftovers` ends by it what is left of the command. */
  readonly record: string;
  /** The most that it may take of the machine; what is missing is what is usual. */
  readonly limits?: Partial<SandboxLimits>;
}

/** How to start such a command: see `startEnclosed`. */
export interface Enclosed {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
  readonly network: AgentNetwork;
  readonly sandboxed: boolean;
  readonly limits: Limited;
}

/** A command of `enclosed-process.js`. */
export interface EnclosedOrder extends Distrusted {
  /** Makes what the command is, outside of the sandbox; where it fails the command is not started. */
  readonly before?: readonly [program: string, ...args: string[]];
}

/** What `enclosed-process.js` reads and writes in its folder. */
export const enclosedFiles = (directory: string) => ({
  /** JSON `EnclosedOrder`. */
  order: path.join(directory, 'order.json'),
  /** Why the command could not be started; not there when it was. */
  unusable: path.join(directory, 'unusable'),
});

/** Puts a command into a sandbox with limits. @throws Unusable where none can be made and the owner demands one */
export async function enclose(wanted: Distrusted): Promise<Enclosed> {
  const { command, args, env, place, directory, lent, hidden, network } = wanted;
  const there = await Promise.all(lent.map(({ from }) => exists(from)));
  const given = lent.filter((_, index) => there[index] === true);
  const makesSandbox = await canSandbox();
  if (!makesSandbox) checkWithout(network);
  const folders = [place.tree, place.home, place.temporary];
  const limits = await limitsOf(wanted, folders, makesSandbox);
  for (const { to } of given) await mkdir(path.dirname(to), { recursive: true });
  if (!makesSandbox) {
    for (const { from, to } of given) await symlink(from, to).catch(() => undefined);
    const plain = limits.around([...limits.within, command, ...args]);
    return { ...split(plain), env, directory, sandboxed: false, network: 'host', limits };
  }
  const missing = network === 'outside' ? await missingForNetwork() : null;
  if (missing !== null)
    throw new Unusable(
      `a network of its own needs ${missing}, which is not installed: install it, or say whether the agent gets no network ` +
        'or this machine’s (--autofix-network none or host)',
    );
  await refuseUnreadable(
    given.map(({ from }) => from),
    hidden,
  );
  // Memory that its processes share by name: in a folder it counts as disk.
  const shared = path.join(place.temporary, 'shm');
  await mkdir(shared, { recursive: true });
  await giveToAgent(folders);
  const writable = folders.map((each) => ({ from: each, to: each, writable: true }));
  const sandbox = await sandboxArguments({
    command,
    folders: foldersOf(env.PATH ?? ''),
    mounts: [
      ...writable,
      { from: shared, to: '/dev/shm', writable: true },
      ...(await resolverMounts(place, network)),
      ...(env.NIX_REMOTE === 'daemon' ? [readOnly(DAEMON_FOLDER)] : []),
      ...given,
    ],
    hidden,
    directory,
  });
  const noNetwork = network === 'none' ? ['--unshare-net'] : [];
  const inside = ['bwrap', ...noNetwork, ...sandbox, ...limits.within, command, ...args];
  const whole = limits.around(network === 'outside' ? withOwnNetwork(isRoot(), inside) : inside);
  return { ...split(whole), env, directory: place.tree, sandboxed: true, network, limits };
}

const split = ([command = '', ...args]: readonly string[]): Pick<Enclosed, 'command' | 'args'> => ({ command, args });

async function limitsOf(
  { record, limits }: Distrusted,
  folders: readonly string[],
  sandboxed: boolean,
): Promise<Limited> {
  const { command, owner } = LIMIT_PROGRAM;
  const { notFound } = await run(command, ['--version'], { timeoutMs: 10_000 });
  if (notFound) throw new Unusable(`its limits need ${command}, which is not installed: install ${owner}`);
  return await openLimits({ directory: record, folders, sandboxed, ...(limits === undefined ? {} : { limits }) });
}

/** Without a sandbox a command has this machine's network and all rights of the worker's user. */
function checkWithout(network: AgentNetwork): void {
  const install = 'install bubblewrap, and let this user make namespaces';
  if (isRoot())
    throw new Unusable(
      `the worker is root, and an agent of root runs only in a sandbox, which cannot be made here: ${install}, or run the worker as another user`,
    );
  if (network !== 'host')
    throw new Unusable(
      `a sandbox cannot be made here: ${install}, or let the agent do without (--autofix-network host)`,
    );
}

/** How names are resolved: as on this machine, or by the one that connects the sandbox. */
async function resolverMounts(place: SandboxPlace, network: AgentNetwork): Promise<readonly Mount[]> {
  if (network === 'none') return [];
  if (network === 'host') return (await exists(RESOLV_CONF)) ? [readOnly(RESOLV_CONF)] : [];
  await writeFile(place.resolver, `nameserver ${RESOLVER}\n`);
  // The agent of root is another user, and services have a umask that lets nobody else read.
  await chmod(place.resolver, 0o644);
  return [readOnly(place.resolver, RESOLV_CONF)];
}

const RESOLV_CONF = '/etc/resolv.conf';
