import type { Transport } from '../model/run.js';
import { shellQuote, stripControl } from '../model/text.js';
import { CommandError } from './errors.js';
import { installed } from './installation.js';

export interface GitAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  /** Last line of what it complained about, without control characters. */
  readonly complaint: string;
  readonly timedOut: boolean;
}

export interface GitOptions {
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs Git to read something. It never asks for a password: a worker could not answer either. */
export async function git(args: readonly string[], options: GitOptions = {}): Promise<GitAnswer> {
  const { execa } = await import('execa');
  const result = await execa('git', [...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C', ...options.env },
    timeout: options.timeoutMs ?? 20_000,
    forceKillAfterDelay: 500,
    // Without a terminal of its own, ssh cannot ask either.
    detached: true,
    stdin: 'ignore',
    reject: false,
  });
  if (result.code === 'ENOENT' && result.exitCode === undefined) {
    throw new CommandError(
      'Git is not installed, or not on the PATH: install it ("apt-get install git") and try again.',
    );
  }
  const complaint = stripControl(result.stderr)
    .trim()
    .split('\n')
    .filter((line) => !/^(hint|warning):/.test(line));
  return {
    ok: result.exitCode === 0,
    stdout: result.stdout,
    complaint: pickComplaint(complaint),
    timedOut: result.timedOut,
  };
}

/** What is wrong is said in the first line, by Git or by ssh; but a changed host key is below ssh's banner. */
function pickComplaint(lines: readonly string[]): string {
  const line = lines.find((each) => each.startsWith('Host key for ')) ?? lines[0] ?? '';
  return line
    .replace(/^(fatal|error|remote): /, '')
    .replace(/\.$/, '')
    .slice(0, 500);
}

/** Prints user name and token when Git asks for them: the token is in no argument and no environment. */
const ASKPASS = installed('bin/lockkeeper-askpass');

/** The environment that gives Git the credentials of a run, as the worker will: files for ssh, a token for HTTPS. */
export function transportEnvironment({
  sshKeyFile,
  knownHostsFile,
  httpsTokenFile,
}: Transport): Record<string, string> {
  const ssh = [
    ...(sshKeyFile === null ? [] : ['-i', sshKeyFile, '-o', 'IdentitiesOnly=yes']),
    ...(knownHostsFile === null
      ? []
      : ['-o', `UserKnownHostsFile="${knownHostsFile.replaceAll('%', '%%')}"`, '-o', 'StrictHostKeyChecking=yes']),
  ];
  return {
    ...(ssh.length === 0 ? {} : { GIT_SSH_COMMAND: ['ssh', '-o', 'BatchMode=yes', ...ssh].map(shellQuote).join(' ') }),
    ...(httpsTokenFile === null
      ? {}
      : {
          GIT_ASKPASS: ASKPASS,
          LOCKKEEPER_TOKEN_FILE: httpsTokenFile,
          // A stored password must not win over the token that was asked for.
          GIT_CONFIG_COUNT: '1',
          GIT_CONFIG_KEY_0: 'credential.helper',
          GIT_CONFIG_VALUE_0: '',
        }),
  };
}
