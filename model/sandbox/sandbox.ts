import type { SandboxLimits } from './limits.js';

/**
 * Arguments of bwrap(1) for every sandbox of an agent: namespaces of its own, and no rights over the machine. Nothing of the
 * machine is in it but what further arguments bring.
 * @param root whether the caller is root: it needs no user namespace, which the kernel may forbid, and `asNobody` takes root's
 *   rights from the command
 */
export const apart = (root: boolean): readonly string[] => [
  ...(root ? ROOT : ['--unshare-user', '--cap-drop', 'ALL']),
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
  '--die-with-parent',
  '--dev',
  '/dev',
  '--proc',
  '/proc',
];

/** What it takes to become somebody else; the command itself is left without. */
const ROOT = ['--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID', '--cap-add', 'CAP_SETPCAP'];

/** Account and group of root's agents: the one that owns nothing, under the number that every distribution gives it. */
export const NOBODY = 65534;

/** A command that runs another one as nobody, for good. */
export const AS_NOBODY: readonly string[] = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  '--no-new-privs',
  '--inh-caps=-all',
  '--bounding-set=-all',
  '--',
];

/** Arguments that make a sandbox with all of the machine in it, and do nothing there: whether one can be made here. */
export const triedInSandbox = (root: boolean): readonly string[] => [
  ...apart(root),
  ...['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp', '--'],
  ...(root ? AS_NOBODY : []),
  ...['/bin/sh', '-c', 'exit 0'],
];

/** What an agent reaches: what is outside of this machine, nothing, or all that the machine does, itself included. */
export const AGENT_NETWORKS = ['outside', 'none', 'host'] as const;
export type AgentNetwork = (typeof AGENT_NETWORKS)[number];

/** What an agent may on the machines of a run; what it wrote may no more, until a person approved it. */
export interface AgentRights {
  readonly network: AgentNetwork;
  /** Whether it may use Nix's daemon, where that does not trust the worker's user. */
  readonly nixDaemon: boolean;
  /** Files of the run with secrets, which it must not see. */
  readonly secretFiles: readonly string[];
  /** What is missing is what is usual on a machine. */
  readonly limits?: Partial<SandboxLimits>;
}

/** Programs that connect a sandbox to the outside, each with the package that brings it on most distributions. */
export const NETWORK_PROGRAMS = [
  ['slirp4netns', 'slirp4netns'],
  ['nsenter', 'util-linux'],
  ['ip', 'iproute2'],
] as const;
