import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { agentArguments } from '../../model/autofix/agent-command.js';
import type { AgentNetwork } from '../../model/autofix/sandbox.js';
import { EnvFileFault } from '../../model/autofix/env-file.js';
import { writeWhole } from '../atomic-file.js';
import { identify, killTree } from '../process-tree.js';
import { plainVariables, readVariables } from './agent-variables.js';
import { ATTEMPT_VARIABLE, endLeftovers } from './leftovers.js';
import {
  type Connection,
  connectOutside,
  missingForNetwork,
  NETWORK_PIPES,
  RESOLVER,
  withOwnNetwork,
} from './network.js';
import { DAEMON_FOLDER, nixVariables } from './nix-access.js';
import { agentPlace } from './order.js';
import type { AgentEnd, AgentOrder, AgentPlace } from './order.js';
import { redactedLines } from './redacted-lines.js';
import { exists } from '../exists.js';
import { canSandbox, foldersOf, giveToAgent, isRoot, sandboxArguments } from './sandbox.js';
import { Unusable } from './unusable.js';
import { readOnly, type Mount } from './visible.js';

/**
 * The program that runs one agent, under the supervisor of an attempt: `agent-process.js FOLDER`. It reads the order from the
 * folder, and the agent's variables, which no other process gets to see; passes on what the agent says, without their
 * values; keeps to the limits, whether or not a worker still follows; kills what the agent leaves behind; and writes down how
 * it ended.
 */
const GRACE_MS = 2000;

interface Started {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly sandboxed: boolean;
  readonly network: AgentNetwork;
}

async function main(directory: string): Promise<void> {
  const place = agentPlace(directory);
  const order = JSON.parse(await readFile(place.order, 'utf8')) as AgentOrder;
  const end = await carryOut(directory, place, order).catch((error: unknown): AgentEnd => {
    if (error instanceof Unusable) return { kind: 'unusable', what: error.message, sandboxed: false };
    throw error;
  });
  await writeWhole(place.end, JSON.stringify(end));
}

async function carryOut(directory: string, place: AgentPlace, order: AgentOrder): Promise<AgentEnd> {
  const own = await variablesOf(order);
  const env = {
    ...plainVariables(),
    ...(await nixVariables(place.home, order.nixDaemon)),
    HOME: place.home,
    TMPDIR: place.temporary,
    ...Object.fromEntries(own),
    [ATTEMPT_VARIABLE]: directory,
  };
  const agent = await prepare(place, order, env);
  try {
    return { ...(await follow(agent, place, order, [...own.values()])), sandboxed: agent.sandboxed };
  } finally {
    await endLeftovers(directory);
  }
}

async function variablesOf({ envFile }: AgentOrder): Promise<ReadonlyMap<string, string>> {
  try {
    return await readVariables(envFile);
  } catch (error) {
    const why = error instanceof EnvFileFault ? error.message : `cannot be read (${codeOf(error)})`;
    throw new Unusable(`the file of its variables, ${String(envFile)}, ${why}`);
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown error';

async function prepare(place: AgentPlace, order: AgentOrder, env: Readonly<Record<string, string>>): Promise<Started> {
  const command = await onPath(order.command, env.PATH ?? '');
  const args = agentArguments(order.command, order.args, { text: order.prompt, file: place.promptFile });
  const lent = order.homePaths.map((each) => readOnly(path.join(homedir(), each), path.join(place.home, each)));
  const there = await Promise.all(lent.map(({ from }) => exists(from)));
  const given = lent.filter((_, index) => there[index] === true);
  if (!(await canSandbox())) {
    checkWithout(order);
    for (const { from, to } of given) {
      await mkdir(path.dirname(to), { recursive: true });
      await symlink(from, to).catch(() => undefined);
    }
    return { command, args, env, sandboxed: false, network: 'host' };
  }
  for (const { to } of given) await mkdir(path.dirname(to), { recursive: true });
  await giveToAgent([place.home]);
  const { network } = order;
  const missing = network === 'outside' ? await missingForNetwork() : null;
  if (missing !== null)
    throw new Unusable(
      `a network of its own needs ${missing}, which is not installed: install it, or say whether the agent gets no network ` +
        'or this machine’s (--autofix-network none or host)',
    );
  const writable = [place.tree, place.home, place.temporary].map((each) => ({ from: each, to: each, writable: true }));
  const sandbox = await sandboxArguments({
    command,
    folders: foldersOf(env.PATH ?? ''),
    mounts: [
      ...writable,
      ...(await resolverMounts(place, network)),
      ...(env.NIX_REMOTE === 'daemon' ? [readOnly(DAEMON_FOLDER)] : []),
      ...given,
    ],
    hidden: order.hidden,
    directory: place.tree,
  });
  const inside = ['bwrap', ...(network === 'none' ? ['--unshare-net'] : []), ...sandbox, command, ...args];
  const [program = '', ...rest] = network === 'outside' ? withOwnNetwork(isRoot(), inside) : inside;
  return { command: program, args: rest, env, sandboxed: true, network };
}

/** Without a sandbox an agent has this machine's network and all rights of the worker's user. */
function checkWithout({ network }: AgentOrder): void {
  const install = 'install bubblewrap, and let this user make namespaces';
  if (isRoot())
    throw new Unusable(
      `the worker is root, and an agent of root runs in a sandbox alone, which cannot be made here: ${install}, or run the worker as another user`,
    );
  if (network !== 'host')
    throw new Unusable(
      `a sandbox cannot be made here: ${install}, or let the agent do without (--autofix-network host)`,
    );
}

/** How names are resolved: as on this machine, or by the one that connects the sandbox. */
async function resolverMounts(place: AgentPlace, network: AgentNetwork): Promise<readonly Mount[]> {
  if (network === 'none') return [];
  if (network === 'host') return (await exists(RESOLV_CONF)) ? [readOnly(RESOLV_CONF)] : [];
  await writeFile(place.resolver, `nameserver ${RESOLVER}\n`, { mode: 0o644 });
  return [readOnly(place.resolver, RESOLV_CONF)];
}

const RESOLV_CONF = '/etc/resolv.conf';

/** Absolute path of the agent's command. */
async function onPath(command: string, folders: string): Promise<string> {
  const places = command.includes('/')
    ? [path.resolve(command)]
    : foldersOf(folders).map((folder) => path.join(folder, command));
  for (const each of places) if (await exists(each)) return each;
  throw new Unusable(
    command.includes('/') ? `there is no ${command}` : `there is no command ${command} on the PATH of the worker`,
  );
}

/** Runs the agent to its end, or to one of its limits. */
async function follow(
  agent: Started,
  place: AgentPlace,
  order: AgentOrder,
  secrets: readonly string[],
): Promise<Pick<AgentEnd, 'kind' | 'what'>> {
  const child = spawn(agent.command, agent.args, {
    cwd: place.tree,
    env: agent.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...(agent.network === 'outside' ? NETWORK_PIPES : [])],
  });
  const limit: { reached: 'timed-out' | 'flooded' | null } = { reached: null };
  const stop = (why: 'timed-out' | 'flooded'): void => {
    if (limit.reached !== null) return;
    limit.reached = why;
    void endChild(child);
  };
  const timer = setTimeout(() => {
    stop('timed-out');
  }, order.timeoutSeconds * 1000);
  // The supervisor was asked to end: nobody wants this attempt any more.
  process.once('SIGTERM', () => void endChild(child).then(() => process.exit(1)));
  const said = passOn(child, order.outputBytes, secrets, () => {
    stop('flooded');
  });
  const begun = ended(child);
  // Looked at when the sandbox is connected.
  begun.catch(() => undefined);
  let connection: Connection | null = null;
  try {
    if (agent.network === 'outside') connection = await connected(child);
    const [code, signal] = await begun;
    await endChild(child);
    await said.rest();
    if (limit.reached !== null) return { kind: limit.reached, what: '' };
    return { kind: 'exit', what: signal ?? String(code) };
  } finally {
    clearTimeout(timer);
    connection?.end();
  }
}

async function connected(child: ChildProcess): Promise<Connection> {
  try {
    return await connectOutside(child, isRoot());
  } catch (error) {
    await endChild(child);
    throw error;
  }
}

const ended = (child: ChildProcess): Promise<readonly [number | null, string | null]> =>
  new Promise((resolve, reject) => {
    // `close` waits for whoever holds the output, which may be a child that was left behind.
    child.once('exit', (code, signal) => {
      resolve([code, signal]);
    });
    child.once('error', (error) => {
      reject(new Unusable(`it cannot be started (${codeOf(error)})`));
    });
  });

async function endChild(child: ChildProcess): Promise<void> {
  const leader = child.pid === undefined ? null : await identify(child.pid);
  if (leader !== null) await killTree(leader, GRACE_MS);
}

/** Copies the agent's output to ours, which is the log. Past the limit nothing more is copied. */
function passOn(
  child: ChildProcess,
  limit: number,
  secrets: readonly string[],
  tooMuch: () => void,
): { readonly rest: () => Promise<void> } {
  let room = limit;
  const write = (text: string): boolean => {
    if (room < 0 || text === '') return true;
    room -= Buffer.byteLength(text);
    if (room >= 0) return process.stdout.write(text);
    tooMuch();
    return process.stdout.write(`\n== lockkeeper: the agent has said more than ${limit} bytes, and is ended ==\n`);
  };
  const copies = [child.stdout, child.stderr].map((stream) => {
    const lines = redactedLines(secrets);
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      write(lines.push(text));
    });
    return { stream, lines };
  });
  return {
    rest: async () => {
      // What is still in the pipes.
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (const { stream, lines } of copies) {
        stream?.destroy();
        write(lines.end());
      }
    },
  };
}

await main(process.argv[2] ?? '');
process.exit(0);
