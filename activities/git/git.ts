import { stat } from 'node:fs/promises';
import { asyncLocalStorage } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import { finalFailure, MESSAGE_BYTES } from '../../model/run/failures.js';
import { gitEnvironment, ownGitEnvironment, type ConfigEntry, type Environment } from '../../model/git/environment.js';
import { mayPass } from '../../model/git/words.js';
import { redactUrl, stripControl, truncate } from '../../model/text/text.js';
import type { Exceeded } from '../../model/machine/fetch-limits.js';
import { launch } from '../command/launcher.js';
import { KILLED_STATUS } from '../command/memory-kills.js';
import type { Finished } from '../command/process.js';
import { withoutSecrets } from '../../host/secrets/redact.js';

export interface GitResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What a command was ended for that talks to a remote; missing and `null` when it ended by itself. */
  readonly exceeded?: Exceeded | null;
  /** Seconds that it had. */
  readonly seconds?: number;
}

export interface GitCall {
  readonly input?: string;
  /** Variables for this call alone, such as `GIT_INDEX_FILE`. */
  readonly env?: Environment;
}

export interface Git {
  readonly directory: string;
  /** Gives standard output. Throws what `gitFailure` gives when the exit status is not 0. */
  run(args: readonly string[], call?: GitCall): Promise<string>;
  /** Gives what came out, whatever the exit status. Throws when the activity is cancelled or Git cannot be started. */
  attempt(args: readonly string[], call?: GitCall): Promise<GitResult>;
}

/** A Git command that failed for something that passes: for Temporal a fault of the machine, which a retry may cure. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed';
  constructor(
    command: string,
    readonly result: GitResult,
  ) {
    super(failureText(command, result));
  }
}

const failureText = (command: string, { exitCode, stderr }: GitResult): string =>
  truncate(`git ${command} failed (${exitCode}): ${gitMessage(stderr)}`, MESSAGE_BYTES);

/** Git itself ends with 128 or 129; what is above, or no status at all, is a signal from outside. */
const ENDED_BY_SIGNAL = 130;

/** The failure for a Git command that should not have failed: only what is known to pass is tried again. */
export function gitFailure(command: string, result: GitResult): Error {
  if (result.exitCode < 0 || result.exitCode >= ENDED_BY_SIGNAL || mayPass(result.stderr))
    return new GitFailed(command, result);
  return finalFailure('GitUnusable', failureText(command, result));
}

/** Git's message, fit to be shown: no control characters, no user info in URLs. */
export const gitMessage = (stderr: string): string => redactUrl(withoutSecrets(stripControl(stderr))).trim();

export async function isDirectory(directory: string): Promise<boolean> {
  return stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Either the command is missing, or the folder has gone. */
export const cannotStart = (directory: string): ApplicationFailure =>
  finalFailure(
    'GitUnusable',
    `git cannot be started in ${directory}. Install Git, and put it on the PATH of the worker.`,
  );

/** Git in a folder, by way of a function that runs one command. */
export const gitBy = (directory: string, attempt: Git['attempt']): Git => ({
  directory,
  attempt,
  async run(args, call) {
    const result = await attempt(args, call);
    if (result.exitCode !== 0) throw gitFailure(args[0] ?? '', result);
    return result.stdout;
  },
});

/**
 * Git in a repository of Lockkeeper's own, for commands that need no network. The cancellation of the activity that it is
 * called from ends the command.
 * @param directory must exist
 * @param env the whole environment; default: nobody's configuration is read
 * @param ending ends the command as well
 */
export function openGit(
  directory: string,
  env: Readonly<Record<string, string>> = ownGitEnvironment(process.env),
  ending?: AbortSignal,
): Git {
  return gitBy(directory, async (args, { input, env: more } = {}) => {
    const cancelled = asyncLocalStorage.getStore()?.cancellationSignal;
    const signals = [cancelled, ending].filter((each) => each !== undefined);
    const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
    const finished = await launch('git', args, {
      cwd: directory,
      env: { ...env, ...more },
      ...(input === undefined ? {} : { input }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (finished.exitCode === null && finished.signal === null) throw cannotStart(directory);
    return resultOf(args, finished);
  });
}

/** What prints more than is kept was ended for it: another try would print as much. */
const resultOf = ([command = '']: readonly string[], { exitCode, stdout, stderr, flooded }: Finished): GitResult =>
  flooded
    ? { exitCode: FOR_GOOD, stdout: '', stderr: `fatal: git ${command} has printed more than can be read` }
    : { exitCode: exitCode ?? KILLED_STATUS, stdout, stderr };

/**
 * Git in a person's repository, under their configuration: what a file looks like in their work tree is theirs to say. Only
 * plumbing is to be used, whose behaviour few settings change; those are pinned. Services have a umask of their own: what is written
 * there may be read by those who may read the folder.
 * @param config settings above the person's own
 */
export function openPersonsGit(directory: string, config: readonly ConfigEntry[] = []): Git {
  const env = gitEnvironment(process.env, config);
  return gitBy(directory, async (args, { input, env: more } = {}) => {
    const signal = asyncLocalStorage.getStore()?.cancellationSignal;
    const folder = await stat(directory).catch(() => null);
    if (folder === null) throw cannotStart(directory);
    const umask = (~folder.mode & 0o077).toString(8);
    const options = { cwd: directory, env: { ...env, ...more }, ...(input === undefined ? {} : { input }) };
    const finished = await launch('/bin/sh', ['-c', WITH_UMASK, 'sh', umask, ...args], {
      ...options,
      ...(signal === undefined ? {} : { signal }),
    });
    if (finished.exitCode === NOT_FOUND) throw cannotStart(directory);
    return resultOf(args, finished);
  });
}

const WITH_UMASK = 'umask "$1" && shift && exec git "$@"';
/** As a shell says that there is no such command. */
const NOT_FOUND = 127;
/** As Git ends when something is wrong for good. */
const FOR_GOOD = 128;
