import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandLimits, Exceeded } from '../model/machine/fetch-limits.js';
import { watchGroup } from './group-watch.js';
import { bothEnds, wholeOutput } from './output.js';
import { endGroup } from './process-group.js';

export interface CommandOptions {
  readonly cwd?: string;
  /** The whole environment of the child; default: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Aborting it ends the command. */
  readonly signal?: AbortSignal;
  /** Wall-clock limit. */
  readonly timeoutMs?: number;
  /** Most output of each stream, in bytes: past it the command is ended. Default: 64 MiB, and 1 GiB of complaints. */
  readonly maxOutput?: number;
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
  readonly limits?: CommandLimits;
}

export interface CommandEnd {
  /** `null` when a signal ended it or it could not be started. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  /** Of a very long one the middle is left out. */
  readonly stderr: string;
  /** The command does not exist or may not be executed. */
  readonly notFound: boolean;
  /** What it was ended for; `null` when it ended by itself. */
  readonly exceeded: Exceeded | null;
}

/** How the caller looks after the process. */
interface Care {
  /** Gives what is to be done when the process has ended, if anything is. */
  readonly started?: (pid: number) => (() => void) | undefined;
  /** Ends the process and everything below it; default: its group. */
  readonly end?: (pid: number, graceMs: number) => Promise<void>;
}

/** Standard output that a command may have: it is kept whole, or the command is ended. */
const STDOUT_BYTES = 64 * 1024 * 1024;
/** Of what it complains about, the beginning and the end. */
const STDERR_KEPT = 4 * 1024 * 1024;
const STDERR_BYTES = 1024 * 1024 * 1024;
/** A process that has left its group may hold the output of one that is gone. */
const OUTPUT_MS = 2000;

/**
 * Runs a command in a process group of its own and gives what came out, whatever its exit status. Whatever it prints, and
 * whatever is sent to it, the memory of this process stays small. Never throws.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
  { started, end = endGroup }: Care = {},
): Promise<CommandEnd> {
  const { limits, graceMs = 2000 } = options;
  const [program, words] = limits === undefined ? [command, args] : limited(command, args, limits);
  const child = spawn(program, words, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: true,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const { pid } = child;
  const out = wholeOutput(options.maxOutput ?? STDOUT_BYTES);
  const said = bothEnds(STDERR_KEPT, options.maxOutput ?? STDERR_BYTES);
  const passed: { limit: Exceeded | null } = { limit: null };
  let ending: Promise<void> | undefined;
  const stop = (): void => {
    if (pid === undefined) return;
    ending ??= end(pid, graceMs).then(async () => {
      await sleep(OUTPUT_MS, undefined, { ref: false });
      child.stdout?.destroy();
      child.stderr?.destroy();
    });
  };
  const past = (limit: Exceeded): void => {
    passed.limit ??= limit;
    stop();
  };
  child.stdout?.on('data', (chunk: Buffer) => {
    if (out.push(chunk)) past('output');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    if (said.push(chunk)) past('output');
  });
  // A command that does not read to the end has closed its input.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input);
  const over = pid === undefined ? undefined : started?.(pid);
  const unwatch = pid === undefined || limits === undefined ? undefined : watchGroup(pid, limits, past);
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          past('time');
        }, options.timeoutMs);
  options.signal?.addEventListener('abort', stop, { once: true });
  if (options.signal?.aborted === true) stop();
  const { exitCode, signal, code } = await new Promise<Ended>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (pid === undefined) resolve({ exitCode: null, signal: null, code: error.code });
    });
    child.once('close', (exitCode, signal) => {
      resolve({ exitCode, signal, code: undefined });
    });
  });
  clearTimeout(timer);
  unwatch?.();
  over?.();
  options.signal?.removeEventListener('abort', stop);
  const stderr = said.text();
  return {
    exitCode,
    signal,
    stdout: out.text(),
    stderr,
    notFound:
      code === 'ENOENT' ||
      code === 'EACCES' ||
      (limits !== undefined && (exitCode === 126 || exitCode === 127) && isShells(stderr)),
    exceeded: passed.limit ?? (limits === undefined || exitCode === 0 ? null : refusedByKernel(signal, stderr)),
  };
}

interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly code: string | undefined;
}

const SHELL_NAME = 'lockkeeper-limits';
const isShells = (stderr: string): boolean => stderr.startsWith(`${SHELL_NAME}: `);

/**
 * The command below a shell that lowers what the kernel gives each process, and is replaced by it. Lower limits that are there already
 * stay. A shell counts files in blocks of 512 bytes, and memory in KiB.
 */
function limited(
  command: string,
  args: readonly string[],
  { memoryBytes, writtenBytes }: CommandLimits,
): readonly [string, readonly string[]] {
  const script =
    '[ -z "$1" ] || ulimit -S -d "$1" 2>/dev/null; ulimit -S -f "$2" 2>/dev/null; ulimit -S -c 0 2>/dev/null; shift 2; exec "$@"';
  const sizes = [memoryBytes === undefined ? '' : Math.ceil(memoryBytes / 1024), Math.ceil(writtenBytes / 512)].map(
    String,
  );
  return ['/bin/sh', ['-c', script, SHELL_NAME, ...sizes, command, ...args]];
}

/** How Git says that one of its processes was refused memory, or wrote a file that is too large. */
const NO_MEMORY = /out of memory|cannot allocate memory|std::bad_alloc/i;
const TOO_LARGE = /file size limit exceeded|file too large|died of signal 25\b/i;

function refusedByKernel(signal: string | null, stderr: string): Exceeded | null {
  if (signal === 'SIGXFSZ' || TOO_LARGE.test(stderr)) return 'written';
  return NO_MEMORY.test(stderr) ? 'memory' : null;
}
