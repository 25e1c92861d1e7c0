import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { keepGoing } from '../../host/standing.js';
import type { DetachedCommand, LauncherAnswer, LauncherOrder, LauncherRequest } from './launcher-protocol.js';
import type { Finished, RunOptions } from './process.js';

/**
 * Starts commands from a small process beside this one. Node starts a command by fork(2), which copies the page tables of
 * the whole process and stops everything else meanwhile: from a worker of 200 MB that is 10 ms for each of hundreds of
 * commands in a run, and from a process of 50 MB it is 2 ms of somebody else's time.
 *
 * The launcher holds nothing: it is started by the first command, ends when this process does, and is started again when
 * it has died. Its commands are in process groups of their own (see process.ts), and go on like a worker's own would.
 */
interface Launcher {
  readonly child: ChildProcess;
  readonly waiting: Map<number, Waiting>;
  /** While commands are waited for, none of them stands still for long; ends that. */
  endCare: () => void;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

let current: Launcher | null = null;
let numbers = 0;

/** As `run` of process.ts, from the launcher. */
export const launch = (
  command: string,
  args: readonly string[],
  { signal, ...options }: RunOptions = {},
): Promise<Finished> => order<Finished>({ kind: 'run', command, args, options }, signal);

/** Starts a command that lives on by itself, whatever becomes of this process and of the launcher. */
export const launchDetached = (command: DetachedCommand): Promise<void> =>
  order<undefined>({ kind: 'detach', ...command }, undefined);

/** An abortion ends the command whole before the promise rejects with the signal's reason. */
async function order<T>(what: LauncherOrder, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted();
  const launcher = (current ??= startLauncher());
  const { child, waiting } = launcher;
  const id = (numbers += 1);
  const answer = new Promise<unknown>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
  });
  const send = (request: LauncherRequest): void => {
    // What cannot be sent was meant for a launcher that is gone: its `exit` tells all that wait.
    child.send(request, () => undefined);
  };
  const end = (): void => {
    send({ kind: 'end', id });
  };
  if (waiting.size === 1) keepAlive(launcher);
  signal?.addEventListener('abort', end, { once: true });
  try {
    send({ kind: 'order', id, order: what });
    const result = await answer;
    signal?.throwIfAborted();
    return result as T;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', end);
    waiting.delete(id);
    if (waiting.size === 0) release(launcher);
  }
}

function startLauncher(): Launcher {
  const script = fileURLToPath(new URL('launcher-process.js', import.meta.url));
  const child = fork(script, [], {
    // A session of its own: Ctrl-C in a terminal is for the worker, which ends its commands in its own time.
    detached: true,
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const launcher: Launcher = { child, waiting: new Map(), endCare: () => undefined };
  const gone = (): void => {
    if (current === launcher) current = null;
    for (const { reject } of launcher.waiting.values()) {
      reject(new Error('The process that starts commands for the worker has died. The commands are tried again.'));
    }
  };
  child.once('exit', gone);
  child.once('error', gone);
  child.on('message', (message) => {
    const answer = message as LauncherAnswer;
    const each = launcher.waiting.get(answer.id);
    if (answer.kind === 'done') each?.resolve(answer.result);
    else each?.reject(new Error(answer.message));
  });
  release(launcher);
  return launcher;
}

/** A launcher keeps this process alive only while a command is waited for. */
function release(launcher: Launcher): void {
  launcher.endCare();
  launcher.child.unref();
  launcher.child.channel?.unref();
}

function keepAlive(launcher: Launcher): void {
  launcher.endCare = keepGoing(launcher.child.pid ?? 0);
  launcher.child.ref();
  launcher.child.channel?.ref();
}
