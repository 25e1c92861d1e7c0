import { readBounded } from '../../host/bounded-file.js';
import type { Exceeded } from '../../model/machine/fetch-limits.js';
import { gitEnvironment, type ConfigEntry } from '../../model/git/environment.js';
import { gitCause } from '../../model/git/words.js';
import type { Transport } from '../../model/run/options.js';
import { redactUrl, shellQuote, stripControl } from '../../model/text/text.js';
import { askProgram } from './ask-program.js';
import { CommandError } from '../errors.js';
import { installed } from '../../host/installation.js';

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

/** What gives Git the credentials of a run. */
interface GitAccess {
  readonly config: readonly ConfigEntry[];
  readonly variables: Readonly<Record<string, string>>;
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
 * Why a command that talks to a remote did not work, as a clause: in Git's words, without a token that the remote echoes, or which
 * limit it passed.
 */
export async function whyNot(answer: GitAnswer, { httpsTokenFile }: Transport, timeoutMs: number): Promise<string> {
  switch (answer.exceeded) {
    case null:
      return redactUrl(await withoutToken(answer.complaint, httpsTokenFile));
    case 'time':
    case 'stall':
      return `it did not answer within ${timeoutMs / 1000} s`;
    case 'output':
    case 'written':
    case 'memory':
      return 'it sent more than there is room for, and was cut off';
  }
}

/** As the worker takes it. */
const TOKEN_BYTES = 4096;

async function withoutToken(text: string, file: string | null): Promise<string> {
  const token = file === null ? '' : (await readBounded(file, TOKEN_BYTES).catch(() => '')).trim();
  return token === '' ? text : text.replaceAll(token, '[secret]').replaceAll(encodeURIComponent(token), '[secret]');
}

/** Prints user name and token when Git asks for them: the token is in no argument and no environment. */
const ASKPASS = installed('bin/lockkeeper-askpass');

/** The credentials of a run, as the worker will use them: files for ssh, a token for HTTPS. */
export function transportAccess({ sshKeyFile, knownHostsFile, httpsTokenFile }: Transport): GitAccess {
  const ssh = [
    ...(sshKeyFile === null ? [] : ['-i', sshKeyFile, '-o', 'IdentitiesOnly=yes']),
    ...(knownHostsFile === null
      ? []
      : ['-o', `UserKnownHostsFile="${knownHostsFile.replaceAll('%', '%%')}"`, '-o', 'StrictHostKeyChecking=yes']),
  ];
  return {
    // A stored password must not win over the token that was asked for.
    config: httpsTokenFile === null ? [] : [['credential.helper', '']],
    variables: {
      ...(ssh.length === 0
        ? {}
        : { GIT_SSH_COMMAND: ['ssh', '-o', 'BatchMode=yes', ...ssh].map(shellQuote).join(' ') }),
      ...(httpsTokenFile === null ? {} : { GIT_ASKPASS: ASKPASS, LOCKKEEPER_TOKEN_FILE: httpsTokenFile }),
    },
  };
}
