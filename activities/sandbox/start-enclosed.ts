import { type ChildProcess, spawn } from 'node:child_process';
import { identify, killTree } from '../../host/processes.js';
import type { Enclosed } from './enclose.js';
import { type Connection, connectOutside, NETWORK_PIPES } from './network.js';
import { isRoot } from './sandbox.js';
import { Unusable } from './unusable.js';
import { systemCode } from '../../host/errors.js';

/** Time between SIGTERM and SIGKILL. */
const GRACE_MS = 2000;

export interface EnclosedRun {
  readonly child: ChildProcess;
  /** Ends it, with all below it. */
  readonly end: () => Promise<void>;
  /**
   * Connects it to its network, and waits for its end. All that it left in its own session is ended then.
   * @returns exit status and signal, and the limit that it was over, as a sentence without its subject
   * @throws Unusable when it cannot be started, or connected
   */
  readonly ended: () => Promise<readonly [code: number | null, signal: NodeJS.Signals | null, over: string | null]>;
}

/** @param output where what it says goes: to this process, or where that of this process goes */
export function startEnclosed(
  { command, args, env, directory, network, limits }: Enclosed,
  output: 'pipe' | 'inherit',
): EnclosedRun {
  const child = spawn(command, [...args], {
    cwd: directory,
    env,
    detached: true,
    stdio: ['ignore', output, output, ...(network === 'outside' ? NETWORK_PIPES : [])],
  });
  const exit = exitOf(child);
  // Looked at when the sandbox is connected.
  exit.catch(() => undefined);
  const end = async (): Promise<void> => {
    const leader = child.pid === undefined ? null : await identify(child.pid);
    if (leader !== null) await killTree(leader, GRACE_MS);
  };
  const watching = new AbortController();
  let over: string | null = null;
  const watched = limits.watch(child.pid ?? 0, watching.signal, (what) => {
    over = what;
    void end();
  });
  // What goes wrong with it, the last look tells.
  watched.catch(() => undefined);
  return {
    child,
    end,
    ended: async () => {
      let connection: Connection | null = null;
      try {
        if (network === 'outside') connection = await connectOutside(child, isRoot());
        const [code, signal] = await exit;
        await end();
        watching.abort();
        await watched;
        return [code, signal, over ?? (await limits.over())];
      } finally {
        watching.abort();
        await end();
        connection?.end();
      }
    },
  };
}

const exitOf = (child: ChildProcess): Promise<readonly [number | null, NodeJS.Signals | null]> =>
  new Promise((resolve, reject) => {
    // `close` waits for whoever holds the output, which may be a child that was left behind.
    child.once('exit', (code, signal) => {
      resolve([code, signal]);
    });
    child.once('error', (error) => {
      reject(new Unusable(`it cannot be started (${systemCode(error) ?? 'unknown error'})`));
    });
  });
