import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import { freePort } from './free-port.js';
import { untilHealthy } from './healthy.js';
import { atEndOf, type Scope, withFolder } from './scope.js';

/** The root of the project, seen from `dist/test/support/`. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The ntfy server that tests use: `$LOCKKEEPER_TEST_NTFY`, else the one that set-up put below `.cache/`. */
const program = process.env.LOCKKEEPER_TEST_NTFY ?? path.join(ROOT, '.cache', 'tools', 'ntfy', 'ntfy');

/** Why tests with a real server cannot run here; `false` when they can, as node:test's `skip` wants it. */
export const ntfyMissing: string | false = existsSync(program)
  ? false
  : `no ntfy server at ${program}: set LOCKKEEPER_TEST_NTFY`;

export interface NtfyServer {
  readonly url: string;
  /** Token of a user who may read and write every topic. */
  readonly token: string;
  /** Token of a user who may only write. */
  readonly writeOnlyToken: string;
  /** Messages of a topic, oldest first. */
  messages(topic: string): Promise<Record<string, unknown>[]>;
}

/** In the place of a server where there is none: tests that need one are skipped. */
const NO_SERVER: NtfyServer = { url: '', token: '', writeOnlyToken: '', messages: () => Promise.resolve([]) };

/** A server where there can be one: for files in which some tests need none. */
export const withNtfyIfThere = (scope: Scope): Promise<NtfyServer> =>
  ntfyMissing === false ? withNtfy(scope) : Promise.resolve(NO_SERVER);

/** A real ntfy server until the end of a scope, on a free port that lets nobody in without a token. */
export async function withNtfy(scope: Scope): Promise<NtfyServer> {
  const directory = await withFolder(scope);
  const file = (name: string): string => path.join(directory, name);
  const url = `http://127.0.0.1:${await freePort()}`;
  const settings = {
    'listen-http': new URL(url).host,
    'base-url': url,
    'cache-file': file('cache.db'),
    'auth-file': file('auth.db'),
    'auth-default-access': 'deny-all',
    // Tests ask more often than people do.
    'visitor-request-limit-exempt-hosts': '127.0.0.1',
  };
  await writeFile(
    file('server.yml'),
    Object.entries(settings)
      .map(([name, value]) => `${name}: "${value}"\n`)
      .join(''),
  );
  const server = spawn(program, ['serve', '--config', file('server.yml')], { stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  atEndOf(scope, () => {
    server.kill('SIGKILL');
    return ended;
  });
  const control = async (...args: string[]): Promise<string> => {
    const [command = '', ...others] = args;
    const env = { ...process.env, NTFY_PASSWORD: 'only-for-this-test' };
    const result = await run(program, [command, '--config', file('server.yml'), ...others], { env });
    if (result.exitCode !== 0) throw new Error(`ntfy ${args.join(' ')}: ${result.stderr}`);
    return result.stdout + result.stderr;
  };
  const addToken = async (user: string): Promise<string> =>
    /tk_\w+/.exec(await control('token', 'add', user))?.[0] ?? '';
  await untilHealthy(`${url}/v1/health`, 'ntfy', 10);
  await control('user', 'add', '--role=admin', 'reader');
  await control('user', 'add', 'writer');
  await control('access', 'writer', '*', 'write-only');
  const token = await addToken('reader');
  return {
    url,
    token,
    writeOnlyToken: await addToken('writer'),
    async messages(topic) {
      const answer = await fetch(`${url}/${topic}/json?poll=1&since=all`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const lines = (await answer.text()).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}
