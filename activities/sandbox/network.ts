import { type ChildProcess, spawn } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { innerNetworks, type Link, type Route } from '../../model/sandbox/inner-networks.js';
import { NETWORK_PROGRAMS } from '../../model/sandbox/sandbox.js';
import { run } from '../command/process.js';
import { Unusable } from './unusable.js';

/** Descriptors on which a command tells that its network is there, and waits until that is connected. */
const THERE = 3;
const GO_ON = 4;

/** Gets a command as `"$@"`, and begins it once it is told to. */
const WAITING = `ip link set lo up && echo >&${THERE} && read -r _ <&${GO_ON} && exec "$@" ${THERE}>&- ${GO_ON}<&-`;

/**
 * A command with a network of its own, in which there is nothing until `connectOutside`. Its namespaces are made before
 * bwrap(1) makes its own: those are not the same from one moment to the next while it works.
 * @param root whether the caller needs no user namespace for that
 */
export const withOwnNetwork = (root: boolean, command: readonly string[]): readonly string[] => [
  ...['unshare', '--net', ...(root ? [] : ['--user', '--map-root-user'])],
  ...['--', '/bin/sh', '-c', WAITING, 'sh', ...command],
];

/** What `withOwnNetwork` takes as `stdio`, behind the three usual ones. */
export const NETWORK_PIPES = ['pipe', 'pipe'] as const;

/** Of the range for tests between machines (RFC 2544), which no network that matters uses. */
const NETWORK = '198.18.255.0/24';
/** Where slirp4netns answers for the machine's own resolver, wherever that is. */
export const RESOLVER = '198.18.255.3';

/** Where clouds give a machine its keys (link-local, Azure, Alibaba), and where Tailscale serves its own machine. */
const NEVER = ['169.254.0.0/16', '168.63.129.16', '100.100.100.200', '100.100.100.100'];

/** Package to install before a sandbox can have a network of its own; `null` when all is there. */
export async function missingForNetwork(): Promise<string | null> {
  for (const [program, name] of NETWORK_PROGRAMS) {
    const { notFound } = await run(program, ['--version'], { timeoutMs: 10_000 });
    if (notFound) return name;
  }
  return null;
}

export interface Connection {
  end(): void;
}

/**
 * Connects a command of `withOwnNetwork` to what lies outside of this machine, and lets it begin: none of the machine's own
 * addresses is reached, nor what containers and virtual machines on it serve, and no abstract socket.
 * @param child with pipes at `THERE` and `GO_ON`
 * @param root as for `withOwnNetwork`
 * @throws Unusable
 */
export async function connectOutside(child: ChildProcess, root: boolean): Promise<Connection> {
  await firstByte(child, THERE, 'the network of the sandbox');
  const pid = String(child.pid);
  const inside = [`--target=${pid}`, '--net', ...(root ? [] : ['--user', '--preserve-credentials'])];
  const slirp = spawn(
    'slirp4netns',
    [
      ...['--configure', '--mtu=65520', '--disable-host-loopback', `--cidr=${NETWORK}`, `--ready-fd=${THERE}`],
      ...(root ? [] : [`--userns-path=/proc/${pid}/ns/user`]),
      // It ends with this process, however that ends.
      ...[`--exit-fd=${GO_ON}`, '--netns-type=pid', pid, 'tap0'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe', ...NETWORK_PIPES] },
  );
  const end = (): void => {
    slirp.kill('SIGKILL');
  };
  try {
    await firstByte(slirp, THERE, 'slirp4netns');
    for (const address of new Set([...NEVER, ...ownAddresses(), ...(await containerNetworks())])) {
      const made = await run('nsenter', [...inside, '--', 'ip', 'route', 'add', 'unreachable', address], {
        timeoutMs: 10_000,
      });
      if (made.exitCode !== 0) throw new Unusable(`${address} cannot be closed to it (${made.stderr.trim()})`);
    }
    (child.stdio[GO_ON] as Writable).end('\n');
    return { end };
  } catch (error) {
    end();
    throw error;
  }
}

/** IPv4 alone: the sandbox has no other. */
const ownAddresses = (): readonly string[] => [
  ...new Set(
    Object.values(networkInterfaces())
      .flat()
      .flatMap((each) => (each?.family === 'IPv4' && !each.address.startsWith('127.') ? [each.address] : [])),
  ),
];

/** Services of containers and virtual machines are the machine's own, and many ask nobody who they are. */
async function containerNetworks(): Promise<readonly string[]> {
  const [links, routes] = await Promise.all([
    listOf<Link>('-details', '-json', 'link', 'show'),
    listOf<Route>('-4', '-json', 'route', 'show'),
  ]);
  return innerNetworks(links, routes);
}

/** Nothing where `ip` is another one than that of iproute2. */
async function listOf<T>(...args: readonly string[]): Promise<readonly T[]> {
  const { exitCode, stdout } = await run('ip', args, { timeoutMs: 10_000 });
  try {
    return exitCode === 0 ? (JSON.parse(stdout) as T[]) : [];
  } catch {
    return [];
  }
}

/** Waits for the first byte of a process on a descriptor; rejects with its last words when it ends before. */
function firstByte(child: ChildProcess, descriptor: number, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.on('data', (text: Buffer | string) => {
      said = `${said}${text.toString()}`.slice(-500);
    });
    (child.stdio[descriptor] as Readable).once('data', () => {
      resolve();
    });
    child.once('error', reject);
    child.once('exit', () => {
      // slirp4netns says why, and then that its child has failed.
      const lines = said.trim().split('\n');
      const why = lines.findLast((line) => !line.startsWith('child failed')) ?? '';
      reject(new Unusable(`${what} cannot be made (${why})`));
    });
  });
}
