import { AccessFault, checkAccess, gitAccess, type GitAccess } from '../../host/git-access.js';
import { withoutSecrets } from '../../host/secrets/redact.js';
import type { Exceeded } from '../../model/machine/fetch-limits.js';
import { gitEnvironment } from '../../model/git/environment.js';
import { gitCause } from '../../model/git/words.js';
import type { Transport } from '../../model/run/options.js';
import { redactUrl, stripControl } from '../../model/text/text.js';
import { askProgram } from './ask-program.js';
import { CommandError } from '../errors.js';

export interface GitAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  /** All that it complained about, without control characters. */
  readonly said: string;
  /** The line of it that tells the cause. */
  readonly complaint: string;
  /** What it was ended for; `null` when it ended by itself. */
  readonly exceeded: Exceeded | null;
}

export interface GitOptions {
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly access?: GitAccess;
  /** What Git reads on standard input; nothing if not given. */
  readonly input?: string;
}

/** Runs Git to read something. It never asks for a password: a worker could not answer either. */
export async function git(args: readonly string[], options: GitOptions = {}): Promise<GitAnswer> {
  const result = await askProgram('git', args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    // Of a hook that started this command, nothing but the way to the remotes stays.
    env: gitEnvironment(process.env, options.access?.config, { GIT_OPTIONAL_LOCKS: '0', ...options.access?.variables }),
    timeoutMs: options.timeoutMs ?? 20_000,
    // What belongs to this machine alone needs no limits.
    isRemote: options.access !== undefined,
    ...(options.input === undefined ? {} : { input: options.input }),
  });
  if (result.notFound) {
    throw new CommandError(
      'Git is not installed, or not on the PATH: install it ("apt-get install git") and try again.',
    );
  }
  return {
    ok: result.exitCode === 0 && result.exceeded === null,
    stdout: result.stdout.replace(/\n$/, ''),
    said: stripControl(result.stderr),
    complaint: gitCause(result.stderr),
    exceeded: result.exceeded,
  };
}

/**
 * The credentials of a run, as the worker will use them. Where a file of them is missing, ssh and Git say so, if this remote asks for it
 * at all: the file may be on the worker's machine alone.
 */
export async function transportAccess(transport: Transport): Promise<GitAccess> {
  await checkAccess(transport).catch((error: unknown) => {
    if (!(error instanceof AccessFault)) throw error;
  });
  return gitAccess(transport);
}

/** Why a command that talks to a remote failed, as a clause: Git's words without tokens, or the limit it passed. */
export function whyNot(answer: GitAnswer, timeoutMs: number): string {
  switch (answer.exceeded) {
    case null:
      return redactUrl(withoutSecrets(answer.complaint));
    case 'time':
    case 'stall':
      return `it did not answer within ${timeoutMs / 1000} s`;
    case 'output':
    case 'written':
    case 'memory':
      return 'it sent more than there is room for, and was cut off';
  }
}
