import { execa } from 'execa';
import { lowerPriority } from './priority.js';
import { identify, killTree } from './process-tree.js';

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the child; default: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Aborting it ends the child and everything below it. */
  readonly signal?: AbortSignal;
  /** Wall-clock limit; past it the child is ended and `timedOut` is set. */
  readonly timeoutMs?: number;
  /** Whether worker and server come first for the processor, as they do before builds. */
  readonly background?: boolean;
  /** Most output kept for each stream, in bytes: past it the child is ended, and `flooded` is set. Default: 64 MiB. */
  readonly maxOutput?: number;
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
}

export interface Finished {
  /** `null` when a signal ended it or it could not be started. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Whether it was ended because of its output. */
  readonly flooded?: boolean;
  /** The command does not exist or may not be executed. */
  readonly notFound: boolean;
}

/** Output kept per stream; what is past it is dropped, so that a chatty command cannot fill the memory. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/**
 * Runs a command in a process group of its own and gives what came out, whatever its exit status.
 * Throws only when `signal` aborts it (the signal's reason). execa's own clean-up is off: it would kill children when
 * the worker is asked to stop; killing only the direct child would hang on a grandchild that holds standard output.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  options.signal?.throwIfAborted();
  const child = execa(command, [...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env, extendEnv: false }),
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    reject: false,
    cleanup: false,
    detached: true,
    stripFinalNewline: false,
    maxBuffer: options.maxOutput ?? MAX_OUTPUT,
  });
  if (options.background === true && child.pid !== undefined) lowerPriority(child.pid);
  let timedOut = false;
  let ending: Promise<void> | undefined;
  const end = (): void => {
    const pid = child.pid;
    if (pid === undefined) return;
    ending ??= identify(pid).then((leader) =>
      leader === null ? undefined : killTree(leader, options.graceMs ?? 2000),
    );
  };
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          end();
        }, options.timeoutMs);
  options.signal?.addEventListener('abort', end, { once: true });
  try {
    const result = await child;
    await ending;
    options.signal?.throwIfAborted();
    return {
      exitCode: result.exitCode ?? null,
      signal: result.signal ?? null,
      stdout: result.stdout,
      stderr: result.stderr,
      timedOut,
      ...(result.isMaxBuffer ? { flooded: true } : {}),
      notFound: result.code === 'ENOENT' || result.code === 'EACCES',
    };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', end);
  }
}
