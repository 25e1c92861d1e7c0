import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { agentArguments } from '../../model/autofix/agent-command.js';
import { EnvFileFault } from '../../model/autofix/env-file.js';
import { exists, writeWhole } from '../../host/files.js';
import { enclose, type Enclosed } from '../sandbox/enclose.js';
import { ATTEMPT_VARIABLE, endLeftovers } from '../sandbox/leftovers.js';
import { nixVariables } from '../sandbox/nix-access.js';
import { foldersOf } from '../sandbox/sandbox.js';
import { startEnclosed } from '../sandbox/start-enclosed.js';
import { Unusable } from '../sandbox/unusable.js';
import { plainVariables, readVariables } from '../sandbox/variables.js';
import { readOnly } from '../sandbox/visible.js';
import { agentPlace, type AgentEnd, type AgentOrder, type AgentPlace } from './order.js';
import { redactedLines } from './redacted-lines.js';
import { systemCode } from '../../host/errors.js';

/**
 * The program that runs one agent, under the supervisor of an attempt: `agent-process.js FOLDER`. It reads the order from the
 * folder, and the agent's variables, which no other process gets to see; passes on what the agent says, without their
 * values; keeps to the limits, whether or not a worker still follows; kills what the agent leaves behind; and writes down how
 * it ended.
 */
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
  const agent = await prepare(directory, order, env);
  try {
    return { ...(await follow(agent, order, [...own.values()])), sandboxed: agent.sandboxed };
  } finally {
    await endLeftovers(directory);
  }
}

async function variablesOf({ envFile }: AgentOrder): Promise<ReadonlyMap<string, string>> {
  try {
    return await readVariables(envFile);
  } catch (error) {
    const why =
      error instanceof EnvFileFault ? error.message : `cannot be read (${systemCode(error) ?? 'unknown error'})`;
    throw new Unusable(`the file of its variables, ${String(envFile)}, ${why}`);
  }
}

async function prepare(directory: string, order: AgentOrder, env: Readonly<Record<string, string>>): Promise<Enclosed> {
  const place = agentPlace(directory);
  const { hidden, network, limits } = order;
  return await enclose({
    command: await onPath(order.command, env.PATH ?? ''),
    args: agentArguments(order.command, order.args, { text: order.prompt, file: place.promptFile }),
    env,
    place,
    directory: place.tree,
    lent: order.homePaths.map((each) => readOnly(path.join(homedir(), each), path.join(place.home, each))),
    hidden,
    network,
    record: directory,
    ...(limits === undefined ? {} : { limits }),
  });
}

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

async function follow(
  agent: Enclosed,
  order: AgentOrder,
  secrets: readonly string[],
): Promise<Pick<AgentEnd, 'kind' | 'what'>> {
  const { child, end, ended } = startEnclosed(agent, 'pipe');
  const limit: { reached: 'timed-out' | 'flooded' | null } = { reached: null };
  const stop = (why: 'timed-out' | 'flooded'): void => {
    limit.reached ??= why;
    void end();
  };
  const timer = setTimeout(() => {
    stop('timed-out');
  }, order.timeoutSeconds * 1000);
  // The supervisor was asked to end: nobody wants this attempt any more.
  process.once('SIGTERM', () => void end().then(() => process.exit(1)));
  const said = passOn(child, order.outputBytes, secrets, () => {
    stop('flooded');
  });
  try {
    const [code, signal, over] = await ended();
    await said.rest();
    if (over !== null) return { kind: 'over-limit', what: over };
    if (limit.reached !== null) return { kind: limit.reached, what: '' };
    return { kind: 'exit', what: signal ?? String(code) };
  } finally {
    clearTimeout(timer);
  }
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
