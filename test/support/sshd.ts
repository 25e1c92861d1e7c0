import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../activities/command/process.js';
import { freePort } from './free-port.js';

const PROGRAM = process.env.LOCKKEEPER_TEST_SSHD ?? '/usr/sbin/sshd';

/** Why tests with a real OpenSSH server cannot run here; `false` when they can, as node:test's `skip` wants it. */
export const sshdMissing: string | false = existsSync(PROGRAM)
  ? false
  : `no OpenSSH server at ${PROGRAM}: install openssh-server, or set LOCKKEEPER_TEST_SSHD`;

export interface SshServer extends AsyncDisposable {
  /** Start of URLs; a path follows. */
  readonly url: string;
  /** A private key that the server lets in. */
  readonly key: string;
  /** A private key that it does not know. */
  readonly strangeKey: string;
  readonly knownHosts: string;
  /** A known hosts file that has another key for this server. */
  readonly changedHosts: string;
}

/** An OpenSSH server on a free port of this machine that lets the present user in, with one key. Its files lie in `directory`. */
export async function startSshd(directory: string): Promise<SshServer> {
  await mkdir(directory, { recursive: true });
  const file = (name: string): string => path.join(directory, name);
  for (const name of ['host', 'my key', 'strange']) {
    const made = await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(name)]);
    if (made.exitCode !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
  }
  const publicKey = (name: string): Promise<string> => readFile(file(`${name}.pub`), 'utf8');
  const port = await freePort();
  const host = `[127.0.0.1]:${port}`;
  await writeFile(file('authorized'), await publicKey('my key'));
  await writeFile(file('known hosts'), `${host} ${await publicKey('host')}`);
  await writeFile(file('changed hosts'), `${host} ${await publicKey('strange')}`);
  const settings = {
    Port: port,
    ListenAddress: '127.0.0.1',
    HostKey: file('host'),
    AuthorizedKeysFile: file('authorized'),
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    // The folder is below /tmp.
    StrictModes: 'no',
    PidFile: 'none',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}"\n`);
  await writeFile(file('config'), lines.join(''));
  // Of root, the server wants its folder for separated privileges.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
  const server = spawn(PROGRAM, ['-D', '-f', file('config')], { stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const deadline = Date.now() + 20_000;
  while (!(await answers(port)) && Date.now() < deadline) await sleep(50);
  return {
    url: `ssh://127.0.0.1:${port}`,
    key: file('my key'),
    strangeKey: file('strange'),
    knownHosts: file('known hosts'),
    changedHosts: file('changed hosts'),
    async [Symbol.asyncDispose]() {
      server.kill();
      await ended;
    },
  };
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
