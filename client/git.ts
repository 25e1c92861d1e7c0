import { gitEnvironment, type ConfigEntry } from '../model/git-environment.js';
import { gitCause } from '../model/git-words.js';
import type { Transport } from '../model/run.js';
import { shellQuote, stripControl } from '../model/text.js';
import { CommandError } from './errors.js';
import { installed } from './installation.js';

export interface GitAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  /** All that it complained about, without control characters. */
  readonly said: string;
  /** The line of it that tells the cause. */
  readonly complaint: string;
  readonly timedOut: boolean;
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
  const { execa } = await import('execa');
  const result = await execa('git', [...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    // Of a hook that started this command, nothing but the way to the remotes stays.
    env: gitEnvironment(process.env, options.access?.config, { GIT_OPTIONAL_LOCKS: '0', ...options.access?.variables }),
    extendEnv: false,
    timeout: options.timeoutMs ?? 20_000,
    forceKillAfterDelay: 500,
    // Without a terminal of its own, ssh cannot ask either.
    detached: true,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    reject: false,
  });
  if (result.code === 'ENOENT' && result.exitCode === undefined) {
    throw new CommandError(
      'Git is not installed, or not on the PATH: install it ("apt-get install git") and try again.',
    );
  }
  return {
    ok: result.exitCode === 0,
    stdout: result.stdout,
    said: stripControl(result.stderr),
    complaint: gitCause(result.stderr),
    timedOut: result.timedOut,
  };
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
