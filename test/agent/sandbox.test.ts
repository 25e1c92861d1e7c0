import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, type Server, createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createAttemptFix } from '../../activities/agent/attempt-fix.js';
import { missingForNetwork } from '../../activities/sandbox/network.js';
import { canSandbox } from '../../activities/sandbox/sandbox.js';
import { run } from '../../activities/command/process.js';
import type { AttemptInput, AttemptResult } from '../../model/autofix/attempt.js';
import type { AutofixOptions } from '../../model/run/options.js';
import { attemptInput } from '../support/agent.js';
import { withPlace } from '../support/repository.js';
import type { Place } from '../support/repository.js';
import { withVariables } from '../support/variables.js';
import { withStandIn } from '../support/stand-in.js';

/** Runs an agent that behaves so in a sandbox; gives what came of it and what it said. */
async function sandboxed(
  place: Place,
  behaviour: readonly string[],
  change: Partial<AutofixOptions> = {},
  more: Partial<AttemptInput> = {},
): Promise<AttemptResult & { readonly log: string }> {
  const activity = createAttemptFix(place.env);
  const input: AttemptInput = { ...(await attemptInput(place, behaviour, change)), ...more };
  const result = await new MockActivityEnvironment().run<[AttemptInput], AttemptResult, typeof activity>(
    activity,
    input,
  );
  return { ...result, log: await readFile(result.logPath, 'utf8') };
}

async function cannot(context: TestContext): Promise<boolean> {
  const missing = (await canSandbox()) ? await missingForNetwork() : 'bubblewrap';
  if (missing !== null) context.skip(`${missing} is missing, or may not make namespaces here`);
  return missing !== null;
}

const listen = (
  server: Server,
  at: { readonly host: string; readonly port: 0 } | { readonly path: string },
): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject).listen(at, () => {
      resolve((server.address() as AddressInfo | null)?.port ?? 0);
    });
  });

const PROBE = 'lockkeeper-test-of-a-sandbox';

test('an agent reaches nothing that listens on this machine, unless the owner lets it', async (context) => {
  if (await cannot(context)) return;
  const [everywhere, local, abstract] = [createServer(), createServer(), createServer()];
  try {
    const port = await listen(everywhere, { host: '0.0.0.0', port: 0 });
    const localPort = await listen(local, { host: '127.0.0.1', port: 0 });
    const name = `${PROBE}-${process.pid}`;
    await listen(abstract, { path: `\0${name}` });
    const own = await ownAddress();
    const behaviour = [
      `reach:127.0.0.1:${localPort}`,
      ...(own === null ? [] : [`reach:${own}:${port}`]),
      `reach:198.18.255.2:${port}`,
      `abstract:${name}`,
      'note',
    ];
    await withPlace(async (place) => {
      for (const network of ['outside', 'none'] as const) {
        const { kind, reason, log } = await sandboxed(place, behaviour, { network }, { run: `run-${network}` });
        assert.equal(kind, 'proposed', reason ?? '');
        assert.doesNotMatch(log, /^reaches/m);
        assert.equal(log.match(/^does not reach/gm)?.length, behaviour.length - 1, log);
      }
      const { log } = await sandboxed(place, behaviour, { network: 'host' }, { run: 'run-host' });
      assert.match(log, new RegExp(`^reaches 127\\.0\\.0\\.1:${localPort}$`, 'm'));
      assert.match(log, /^reaches a socket$/m);
    });
  } finally {
    for (const each of [everywhere, local, abstract]) each.close();
  }
});

/** An address of this machine that other machines use; `null` when it has none. */
async function ownAddress(): Promise<string | null> {
  const { stdout } = await run('ip', ['-4', '-o', 'address', 'show', 'scope', 'global']);
  return /inet ([\d.]+)/.exec(stdout)?.[1] ?? null;
}

test('an agent reaches what lies outside of this machine, by names as well', async (context) => {
  if (await cannot(context)) return;
  if (process.getuid?.() !== 0) {
    context.skip('only root can make another machine here: a network namespace');
    return;
  }
  const machine = `lk-${process.pid}`;
  const [here, there] = ['10.213.77.1', '10.213.77.2'];
  // The same machine once more, as a container on a bridge of this one.
  const container = '10.213.78.2';
  const ip = async (...args: readonly string[]): Promise<void> => {
    const made = await run('ip', args);
    assert.equal(made.exitCode, 0, made.stderr);
  };
  await ip('netns', 'add', machine);
  // As services have it: what root makes nobody else may read.
  const umask = process.umask(0o077);
  try {
    await ip('link', 'add', `${machine}a`, 'type', 'veth', 'peer', 'name', `${machine}b`, 'netns', machine);
    await ip('address', 'add', `${here}/24`, 'dev', `${machine}a`);
    await ip('link', 'set', `${machine}a`, 'up');
    await ip('-n', machine, 'address', 'add', `${there}/24`, 'dev', `${machine}b`);
    await ip('-n', machine, 'link', 'set', `${machine}b`, 'up');
    await ip('link', 'add', `${machine}c`, 'type', 'bridge');
    await ip('address', 'add', '10.213.78.1/24', 'dev', `${machine}c`);
    await ip('link', 'set', `${machine}c`, 'up');
    await ip(
      'link',
      'add',
      `${machine}d`,
      'master',
      `${machine}c`,
      'type',
      'veth',
      'peer',
      'name',
      'inner',
      'netns',
      machine,
    );
    await ip('link', 'set', `${machine}d`, 'up');
    await ip('-n', machine, 'address', 'add', `${container}/24`, 'dev', 'inner');
    await ip('-n', machine, 'link', 'set', 'inner', 'up');
    const server = `require('node:net').createServer((s) => s.end()).listen(8080, '0.0.0.0', () => console.log('listens'))`;
    const outside = await started('ip', ['netns', 'exec', machine, process.execPath, '-e', server]);
    try {
      await withPlace(async (place) => {
        const { kind, log } = await sandboxed(
          place,
          [`reach:${there}:8080`, `reach:${here}:8080`, `reach:${container}:8080`, 'resolver', 'note'],
          {
            network: 'outside',
          },
        );
        assert.equal(kind, 'proposed', log);
        assert.match(log, new RegExp(`^reaches ${there}:8080$`, 'm'));
        assert.match(log, new RegExp(`^does not reach ${here}:8080$`, 'm'));
        assert.match(log, new RegExp(`^does not reach ${container}:8080$`, 'm'));
        const { log: lent } = await sandboxed(
          place,
          [`reach:${container}:8080`, 'note'],
          { network: 'host' },
          { run: 'run-2' },
        );
        assert.match(lent, new RegExp(`^reaches ${container}:8080$`, 'm'));
        assert.match(log, /^nameserver 198\.18\.255\.3$/m);
      });
    } finally {
      outside.kill();
    }
  } finally {
    process.umask(umask);
    await run('ip', ['netns', 'delete', machine]);
    for (const each of ['a', 'c', 'd']) await run('ip', ['link', 'delete', `${machine}${each}`]);
  }
});

async function started(command: string, args: readonly string[]): Promise<{ readonly kill: () => void }> {
  const { spawn } = await import('node:child_process');
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return {
    kill: () => {
      child.kill('SIGKILL');
    },
  };
}

test('an agent sees of the machine what programs need, and is nobody there', async (context) => {
  if (await cannot(context)) return;
  await withPlace(async (place) => {
    const hidden = [
      '/etc/shadow',
      '/run/systemd',
      '/run/dbus',
      '/var/lib',
      '/sys/fs',
      '/root/.bashrc',
      '/home',
      '/srv',
      // Of an ordinary user it is the sandbox itself.
      '/proc/1/root/etc/shadow',
      '/proc/1/root/var/lib',
    ];
    const seen = ['/usr/bin/env', '/etc/passwd', '/nix/store', '/dev/null'];
    const { log } = await sandboxed(place, [
      ...[...hidden, ...seen].map((each) => `see:${each}`),
      'who',
      'write:/',
      'note',
    ]);
    for (const each of hidden) assert.ok(log.includes(`does not see ${each}\n`), `${each}: ${log}`);
    for (const each of seen) assert.ok(log.includes(`\nsees ${each}\n`), `${each}: ${log}`);
    assert.match(log, /^cannot write to \/$/m);
    assert.match(log, /^CapEff:\s+0+$/m);
    assert.match(log, process.getuid?.() === 0 ? /^65534$/m : /^[1-9]\d*$/m);
  });
});

/** Runs a test beside a home with a folder `.agent`, which agents may be lent. */
async function withLentFolder(work: (place: Place, lent: string) => Promise<void>): Promise<void> {
  await withPlace(async (place) => {
    const home = path.join(place.root, 'home');
    const lent = path.join(home, '.agent');
    await mkdir(lent, { recursive: true });
    await withVariables({ HOME: home }, () => work(place, lent));
  });
}

test('a secret is hidden wherever it lies in what an agent sees, also behind links', async (context) => {
  if (await cannot(context)) return;
  await withLentFolder(async (place, lent) => {
    // As sops-nix makes them: a link, to a folder of the generation.
    await mkdir(path.join(lent, 'secrets.d', '1'), { recursive: true });
    await symlink(path.join(lent, 'secrets.d', '1'), path.join(lent, 'secrets'));
    await writeFile(path.join(lent, 'secrets.d', '1', 'tokens'), 'a-token\n');
    await writeFile(path.join(lent, 'settings'), 'settings\n');
    await chmod(path.join(lent, 'secrets.d', '1', 'tokens'), 0o600);
    await chmod(lent, 0o755);
    await writeFile(path.join(lent, 'run-key'), 'a-key\n', { mode: 0o600 });
    const read = ['settings', 'secrets.d/1/tokens', 'run-key'].map((each) => `home:.agent/${each}`);
    const { log } = await sandboxed(
      // What the worker was started with, no run names.
      { ...place, env: { ...place.env, secretFiles: [path.join(lent, 'run-key')] } },
      [...read, 'note'],
      { homePaths: ['.agent'] },
      { secretFiles: [path.join(lent, 'secrets', 'tokens')] },
    );
    assert.match(log, /^settings$/m);
    assert.doesNotMatch(log, /a-token|a-key/);
  });
});

test('a sandbox that cannot be made is said before the agent starts', async (context) => {
  if (await cannot(context)) return;
  // Tries without the agent's own mounts pass.
  const refuses = 'case "$*" in *--remount-ro*) echo "bwrap: Cannot bind mount /secret" >&2; exit 1 ;; esac';
  await withStandIn('bwrap', refuses, () =>
    withPlace(async (place) => {
      const { kind, reason, log } = await sandboxed(place, ['note']);
      assert.equal(kind, 'unusable');
      assert.match(reason ?? '', /its sandbox cannot be made: bwrap: Cannot bind mount \/secret$/);
      assert.equal(log, '');
    }),
  );
});

test('an agent of root is not started with a file of its home that it could not read', async (context) => {
  if (await cannot(context)) return;
  await withLentFolder(async (place, lent) => {
    await writeFile(path.join(lent, 'login.json'), 'logged in\n', { mode: 0o600 });
    const read = ['home:.agent/login.json', 'note'];
    const { kind, reason, log } = await sandboxed(place, read, { homePaths: ['.agent'] });
    if (process.getuid?.() === 0) {
      assert.equal(kind, 'unusable');
      assert.match(reason ?? '', /nobody, who may not read \S+\/\.agent\/login\.json, which it is lent/);
      assert.equal(log, '');
      await chmod(path.join(lent, 'login.json'), 0o644);
    }
    const second = await sandboxed(place, read, { homePaths: ['.agent'] }, { run: 'run-2' });
    assert.equal(second.kind, 'proposed', second.reason ?? '');
    assert.match(second.log, /^logged in$/m);
  });
});
