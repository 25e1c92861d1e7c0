import { stat } from 'node:fs/promises';
import { asyncLocalStorage } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { FailureType } from '../../model/failures.js';
import { MESSAGE_BYTES } from '../../model/verdict.js';
import { redactUrl, stripControl, truncate } from '../../model/text.js';
import { launchGit } from '../launcher.js';
import { gitEnvironment, type Environment } from './config-environment.js';
import type { GitResult } from './local-git.js';

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
 * Git for commands that need no network. The cancellation of the activity that it is called from ends the command.
 * @param directory must exist
 * @param env the whole environment, from `gitEnvironment`
 */
export function openGit(directory: string, env: Readonly<Record<string, string>> = gitEnvironment()): Git {
  return gitBy(directory, async (args, { input, env: more } = {}) => {
    const signal = asyncLocalStorage.getStore()?.cancellationSignal;
    const command = { directory, args, env: { ...env, ...more }, ...(input === undefined ? {} : { input }) };
    const result = await launchGit(command, signal);
    if (result.exitCode < 0) throw cannotStart(directory);
    return result;
  });
}
