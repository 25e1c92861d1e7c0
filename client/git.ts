import { readFile } from 'node:fs/promises';
import type { Transport } from '../model/run.js';
import { shellQuote, stripControl } from '../model/text.js';
import { CommandError } from './errors.js';

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

/** Git says what is wrong in its first `fatal:` or `error:` line; ssh says it before that. */
function pickComplaint(lines: readonly string[]): string {
  const line = lines[0] ?? lines.find((each) => /^(fatal|error):/.test(each)) ?? '';
  return line.replace(/^(fatal|error|remote): /, '').slice(0, 500);
}

/** The environment that gives Git the credentials of a run: key and known hosts for ssh, a token as a header for HTTPS. */
export async function transportEnvironment(url: string, transport: Transport): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  const { sshKeyFile, knownHostsFile, httpsTokenFile } = transport;
  if (sshKeyFile !== null || knownHostsFile !== null) {
    env.GIT_SSH_COMMAND = [
      'ssh -o BatchMode=yes',
      ...(sshKeyFile === null ? [] : [`-o IdentitiesOnly=yes -i ${shellQuote(sshKeyFile)}`]),
      ...(knownHostsFile === null ? [] : [`-o UserKnownHostsFile=${shellQuote(knownHostsFile)}`]),
    ].join(' ');
  }
  if (httpsTokenFile !== null && /^https?:/.test(url)) {
    const token = (await readFile(httpsTokenFile, 'utf8')).trim();
    const { origin, username } = new URL(url);
    const basic = Buffer.from(`${username === '' ? 'x-access-token' : username}:${token}`).toString('base64');
    env.GIT_CONFIG_COUNT = '1';
    env.GIT_CONFIG_KEY_0 = `http.${origin}/.extraHeader`;
    env.GIT_CONFIG_VALUE_0 = `Authorization: Basic ${basic}`;
  }
  return env;
}
