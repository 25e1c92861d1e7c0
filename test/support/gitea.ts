import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import { freePort } from './free-port.js';
import { untilHealthy } from './healthy.js';
import { atEndOf, type Scope, withFolder } from './scope.js';

/** The Gitea server that tests use: `$LOCKKEEPER_TEST_GITEA`, else the one that set-up put below `.cache/`; `static/` is beside it. */
const program =
  process.env.LOCKKEEPER_TEST_GITEA ?? fileURLToPath(new URL('../../../.cache/tools/gitea/gitea', import.meta.url));

/** Why tests with a real server cannot run here; `false` when they can, as node:test's `skip` wants it. */
export const giteaMissing: string | false = existsSync(program)
  ? false
  : `no Gitea server at ${program}: set LOCKKEEPER_TEST_GITEA`;

/** Whether pages of that server look as they do for people: its styles are made apart from it. */
export const giteaHasStyles = existsSync(path.join(path.dirname(program), 'static/public/assets/css/index.css'));

export interface GiteaServer {
  readonly url: string;
  /** Name of its only account, which owns all repositories. */
  readonly owner: string;
  /** A token of that account with all rights. */
  readonly token: string;
  /** Makes a token with some rights, such as `read:repository`. */
  addToken(scopes: string): Promise<string>;
  /** Asks the API below `/api/v1`, and gives its JSON. */
  api<T>(method: string, path: string, body?: object): Promise<T>;
  /** The address by which Git pushes to a repository of that account, or to `OWNER/NAME`, with the token in it. */
  gitUrl(repository: string): string;
}

/** A pull request, as far as tests look at it. */
export interface GiteaPull {
  readonly number: number;
  readonly state: string;
  readonly merged: boolean;
  readonly title: string;
  readonly body: string;
  readonly html_url: string;
  readonly head: { readonly ref: string; readonly sha: string };
  readonly labels: readonly { readonly name: string }[];
}

/** A real Gitea server until the end of a scope, on a free port of this machine. */
export async function withGitea(scope: Scope): Promise<GiteaServer> {
  const directory = await withFolder(scope);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = path.join(directory, 'app.ini');
  await mkdir(path.join(directory, 'repositories'));
  await writeFile(
    config,
    `RUN_MODE = prod
WORK_PATH = ${directory}
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = ${url}/
STATIC_ROOT_PATH = ${path.join(path.dirname(program), 'static')}
OFFLINE_MODE = true
DISABLE_SSH = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = ${path.join(directory, 'gitea.db')}
[security]
INSTALL_LOCK = true
SECRET_KEY = ${randomBytes(20).toString('hex')}
PASSWORD_HASH_ALGO = pbkdf2$1$8
[repository]
ROOT = ${path.join(directory, 'repositories')}
DEFAULT_BRANCH = main
[service]
DISABLE_REGISTRATION = true
[cron]
ENABLED = false
[webhook]
ALLOWED_HOST_LIST = loopback
[actions]
ENABLED = false
[mailer]
ENABLED = false
[log]
LEVEL = Error
`,
  );
  const env = {
    ...process.env,
    GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT: 'true',
    GITEA_WORK_DIR: directory,
    HOME: directory,
  };
  const control = async (...args: readonly string[]): Promise<string> => {
    const result = await run(program, ['--config', config, ...args], { env, timeoutMs: 60_000 });
    if (result.exitCode !== 0) throw new Error(`gitea ${args.join(' ')}: ${result.stdout}${result.stderr}`);
    // Who runs it as root is warned before.
    return result.stdout.trim().split('\n').at(-1) ?? '';
  };
  const owner = 'keeper';
  await control('migrate');
  const person = ['--username', owner, '--email', 'keeper@example.org', '--random-password'];
  await control('admin', 'user', 'create', '--admin', '--must-change-password=false', ...person);
  let tokens = 0;
  const addToken = (scopes: string): Promise<string> => {
    const about = ['--username', owner, '--token-name', `token${tokens++}`, '--scopes', scopes];
    return control('admin', 'user', 'generate-access-token', '--raw', ...about);
  };
  const token = await addToken('all');
  const server = spawn(program, ['--config', config, 'web'], { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  atEndOf(scope, () => {
    server.kill('SIGKILL');
    return ended;
  });
  await untilHealthy(`${url}/api/healthz`, 'Gitea', 120);
  return {
    url,
    owner,
    token,
    addToken,
    api: async <T>(method: string, at: string, body?: object) => {
      const headers = { authorization: `token ${token}`, 'content-type': 'application/json' };
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const answer = await fetch(`${url}/api/v1${at}`, init);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${at}: ${answer.status} ${text}`);
      return (text === '' ? null : JSON.parse(text)) as T;
    },
    gitUrl: (repository) =>
      `http://${owner}:${token}@127.0.0.1:${port}/${repository.includes('/') ? repository : `${owner}/${repository}`}.git`,
  };
}
