import type { Exceeded } from '../../model/machine/fetch-limits.js';
import { GitPluginError, simpleGit } from 'simple-git';

/** One Git command that needs no network, as it travels to the launcher. */
export interface LocalGitCommand {
  /** Must exist. */
  readonly directory: string;
  readonly args: readonly string[];
  /** The whole environment, from `model/git/environment.ts`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What Git reads on standard input. */
  readonly input?: string;
}

/** A signal ended the command: as a shell says it of SIGKILL. */
const ENDED_BY_SIGNAL = 137;

export interface GitResult {
  /** Negative when Git could not be started. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What a command was ended for that talks to a remote; missing and `null` when it ended by itself. */
  readonly exceeded?: Exceeded | null;
  /** Seconds that it had. */
  readonly seconds?: number;
}

/**
 * Runs one Git command and gives what came out, whatever its exit status. `simple-git` refuses variables and settings that
 * can run programs unless it is told otherwise; here they all come from `model/git/environment.ts`, and no argument that can
 * do the same comes from outside.
 * @param signal ends the command; the promise rejects then
 */
export async function localGit(command: LocalGitCommand, signal: AbortSignal): Promise<GitResult> {
  const { directory, args, env, input } = command;
  let finished = { exitCode: -1, stderr: '' };
  const tooMuch = new AbortController();
  const git = simpleGit({
    baseDir: directory,
    completion: { onClose: true, onExit: false },
    abort: AbortSignal.any([signal, tooMuch.signal]),
    ...(input === undefined ? {} : { input: () => input }),
    allowEnvironment: Object.keys(env),
    unsafe: {
      allowUnsafeAskPass: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeGitProxy: true,
      allowUnsafeHooksPath: true,
      allowUnsafeProtocolOverride: true,
      allowUnsafeSshCommand: true,
      allowUnsafeTemplateDir: true,
      allowUnsafeUrlRewrite: true,
    },
    errors(error, result) {
      // Called after every command; an exit status is for the caller to judge, only a command that was ended is not.
      // Negative: there was nothing to start. Node gives the error's number in place of a status.
      const status = result.exitCode as number | null;
      finished = { exitCode: status ?? ENDED_BY_SIGNAL, stderr: Buffer.concat(result.stdErr).toString('utf8') };
      return error instanceof GitPluginError ? error : undefined;
    },
  })
    .env({ ...env })
    .outputHandler((_command, stdout, stderr) => {
      saySomething(stdout);
      for (const stream of [stdout, stderr])
        whenLarge(stream, () => {
          tooMuch.abort();
        });
    });
  try {
    const stdout = await git.raw([...args]);
    return { ...finished, stdout };
  } catch (error) {
    if (!tooMuch.signal.aborted || signal.aborted) throw error;
    return {
      exitCode: TOO_MUCH,
      stdout: '',
      stderr: `fatal: git ${args[0] ?? ''} has printed more than ${MAX_OUTPUT} bytes`,
    };
  }
}

/** Output of a command that is kept; one that prints more is of no use, and is ended. */
const MAX_OUTPUT = 64 * 1024 * 1024;
/** As Git ends when something is wrong for good. */
const TOO_MUCH = 128;

function whenLarge(stream: NodeJS.ReadableStream, act: () => void): void {
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_OUTPUT) act();
  });
}

/**
 * simple-git waits 50 ms after a command that printed nothing, in case there is output to come (its completion plugin).
 * With `onClose` there is none, and most plumbing is silent: a piece of output without a byte spares the wait.
 */
function saySomething(stdout: NodeJS.ReadableStream): void {
  setImmediate(() => stdout.emit('data', Buffer.alloc(0)));
}
