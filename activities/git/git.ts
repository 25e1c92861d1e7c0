import { stat } from 'node:fs/promises';
import { asyncLocalStorage } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { GitPluginError, simpleGit } from 'simple-git';
import type { FailureType } from '../../model/failures.js';
import { MESSAGE_BYTES } from '../../model/verdict.js';
import { redactUrl, stripControl, truncate } from '../../model/text.js';
import { gitEnvironment, type Environment } from './config-environment.js';

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GitCall {
  /** What Git reads on standard input. */
  readonly input?: string;
  /** Variables for this call alone, such as `GIT_INDEX_FILE`. */
  readonly env?: Environment;
}

/** Git in one folder. */
export interface Git {
  readonly directory: string;
  /** Gives standard output. Throws `GitFailed` when the exit status is not 0. */
  run(args: readonly string[], call?: GitCall): Promise<string>;
  /** Gives what came out, whatever the exit status. Throws when the activity is cancelled or Git cannot be started. */
  attempt(args: readonly string[], call?: GitCall): Promise<GitResult>;
}

/** A Git command that failed and should not have: for Temporal a fault of the machine, which a retry may cure. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed';
  constructor(
    command: string,
    readonly result: GitResult,
  ) {
    super(truncate(`git ${command} failed (${result.exitCode}): ${gitMessage(result.stderr)}`, MESSAGE_BYTES));
  }
}

/** Git's message, fit to be shown: no control characters, no user info in URLs. */
export const gitMessage = (stderr: string): string => redactUrl(stripControl(stderr)).trim();

export async function isDirectory(directory: string): Promise<boolean> {
  return stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Either the command is missing, or the folder has gone. */
export const cannotStart = (directory: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(
    `git cannot be started in ${directory}. Install Git, and put it on the PATH of the worker.`,
    'GitUnusable' satisfies FailureType,
  );

/** Git in a folder, by way of a function that runs one command. */
export const gitBy = (directory: string, attempt: Git['attempt']): Git => ({
  directory,
  attempt,
  async run(args, call) {
    const result = await attempt(args, call);
    if (result.exitCode !== 0) throw new GitFailed(args[0] ?? '', result);
    return result.stdout;
  },
});

/**
 * simple-git waits 50 ms after a command that printed nothing, in case there is output to come (its completion plugin).
 * With `onClose` there is none, and most plumbing is silent: a piece of output without a byte spares the wait.
 */
function saySomething(_command: string, stdout: NodeJS.ReadableStream): void {
  setImmediate(() => stdout.emit('data', Buffer.alloc(0)));
}

/**
 * Git for commands that need no network. `simple-git` refuses variables and settings that can run programs unless it is told
 * otherwise; here they all come from `gitEnvironment`, and no argument that can do the same comes from outside.
 * The cancellation of the activity that it is called from ends the command.
 * @param directory must exist
 * @param env the whole environment, from `gitEnvironment`
 */
export function openGit(directory: string, env: Readonly<Record<string, string>> = gitEnvironment()): Git {
  const attempt = async (args: readonly string[], call: GitCall = {}): Promise<GitResult> => {
    const signal = asyncLocalStorage.getStore()?.cancellationSignal;
    signal?.throwIfAborted();
    const variables: Record<string, string | undefined> = { ...env, ...call.env };
    let finished = { exitCode: -1, stderr: '' };
    const git = simpleGit({
      baseDir: directory,
      completion: { onClose: true, onExit: false },
      ...(signal === undefined ? {} : { abort: signal }),
      ...(call.input === undefined ? {} : { input: () => call.input }),
      allowEnvironment: Object.keys(variables),
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
        allowUnsafeUrlRewrite: true,
      },
      errors(error, result) {
        // Called after every command; an exit status is for the caller to judge, only a command that was ended is not.
        finished = { exitCode: result.exitCode, stderr: Buffer.concat(result.stdErr).toString('utf8') };
        return error instanceof GitPluginError ? error : undefined;
      },
    })
      .env(variables)
      .outputHandler(saySomething);
    try {
      const stdout = await git.raw([...args]);
      // Negative: there was nothing to start. Node gives the error's number in place of a status.
      if (finished.exitCode < 0) throw cannotStart(directory);
      return { ...finished, stdout };
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  };
  return gitBy(directory, attempt);
}
