import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmod, mkdir, readFile, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { run } from '../../activities/command/process.js';
import { isAlive } from '../../host/processes.js';
import { SEARCH_ATTRIBUTES } from '../../model/run/messages.js';
import type { ServerRecord } from '../../model/machine/state-directory.js';
import { until, withHouse, type House } from '../support/lockkeeper.js';
import { createActivities } from '../../workers/activities.js';

const KEEPER = fileURLToPath(new URL('../../workers/server-keeper.js', import.meta.url));
/** A machine that runs other tests is slow to start a server. */
const START_MS = 30_000;

/** A keeper of the house's server, as a command starts it. */
function keeper(house: House, idleSeconds: number, ...more: readonly string[]): ChildProcess {
  const args = [KEEPER, '--state-dir', house.state.root, '--idle-seconds', String(idleSeconds), ...more];
  return spawn(process.execPath, args, { detached: true, stdio: 'ignore' });
}

/** The record of a server that runs; `other` than the one before, if given. */
async function running(house: House, other?: ServerRecord): Promise<ServerRecord> {
  let found: ServerRecord | null = null;
  await until(
    async () => {
      found = await house.server().catch(() => null);
      if (found === null || found.server.pid === other?.server.pid) return false;
      return (await isAlive(found.server)) && (await isAlive(found.keeper));
    },
    START_MS,
    () => `no server runs: ${JSON.stringify(found)}`,
  );
  return await house.server();
}

async function withClient<T>(address: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

/** A run that nobody works on: it stays as long as the server's memory does. */
const leaveRun = (address: string): Promise<unknown> =>
  withClient(address, (client) =>
    client.workflow.start('updateFlake', { taskQueue: 'nobody', workflowId: 'update-left-alone', args: [] }),
  );

const list = async (house: House): Promise<readonly string[]> => {
  const { exitCode, stdout, stderr } = await house.lockkeeper(['list', '--json']);
  assert.equal(exitCode, 0, stderr);
  return (JSON.parse(stdout) as { readonly run: string }[]).map(({ run }) => run);
};

const sessionOf = async (pid: number): Promise<number> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[3]);
};

test('of five keepers that start at once one stays, and records a server that answers', async (t) => {
  const house = await withHouse(t);
  const keepers = [1, 2, 3, 4, 5].map(() => keeper(house, 60));
  const ends = new Map<number, number>();
  for (const each of keepers)
    each.once('exit', (code) => {
      ends.set(each.pid ?? 0, code ?? -1);
    });
  const { address, keeper: kept } = await running(house);
  await until(
    () => ends.size === 4,
    START_MS,
    () => `${ends.size} keepers ended`,
  );
  assert.deepEqual([...ends.values()], [0, 0, 0, 0], 'the others end without complaint');
  assert.equal(ends.has(kept.pid), false, 'the one that stays is the one in the record');
  await leaveRun(address);
  assert.deepEqual(await list(house), ['update-left-alone']);
});

test('five commands that need the server at once share one', async (t) => {
  const house = await withHouse(t);
  keeper(house, 60);
  const before = await running(house);
  await leaveRun(before.address);
  for (const { pid } of [before.keeper, before.server]) process.kill(pid, 'SIGKILL');
  const lists = await Promise.all([1, 2, 3, 4, 5].map(() => list(house)));
  assert.deepEqual(lists, Array(5).fill(['update-left-alone']), 'nothing was lost');
  const { address, keeper: kept } = await house.server();
  assert.equal(address, before.address, 'it is at the same port again');
  assert.equal((await serversOf(house)).length, 1);
  assert.ok(await isAlive(kept));
});

/** Server processes that work in the house's folder. */
async function serversOf(house: House): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const place = line.includes('start-dev') ? await readlink(`/proc/${pid}/cwd`).catch(() => '') : '';
      return place === house.state.server ? [pid] : [];
    }),
  );
  return found.flat();
}

test('a server that is killed is started again on its port by its keeper, with its runs', async (t) => {
  const house = await withHouse(t);
  keeper(house, 60);
  const before = await running(house);
  await leaveRun(before.address);
  process.kill(before.server.pid, 'SIGKILL');
  const next = await running(house, before);
  assert.equal(next.address, before.address);
  assert.equal(next.keeper.pid, before.keeper.pid);
  assert.deepEqual(await list(house), ['update-left-alone']);
});

test('a server that lives and answers nothing is ended by its keeper, and started again on its port, with its runs', async (t) => {
  const house = await withHouse(t);
  keeper(house, 120, '--health-ms', '300');
  const before = await running(house);
  await leaveRun(before.address);
  process.kill(before.server.pid, 'SIGSTOP');
  await until(
    async () => !(await isAlive(before.server)),
    60_000,
    () => 'the silent server is still there',
  );
  const next = await running(house, before);
  assert.equal(next.address, before.address);
  assert.deepEqual(await list(house), ['update-left-alone']);
});

test('what a newer version made is refused in plain words, and left as it is', async (t) => {
  const house = await withHouse(t);
  const newer = { format: 99, version: '9.0.0' };
  const refused = async (place: string): Promise<void> => {
    for (const args of [['list'], ['worker'], ['doctor'], ['prune']]) {
      const { stdout, stderr } = await house.lockkeeper(args, { timeoutMs: 20_000 });
      const words = new RegExp(
        `${place}[^\\n]* was made by Lockkeeper 9\\.0\\.0 \\(format 99\\), which is newer than this one`,
      );
      assert.match(stdout + stderr, words, args[0]);
    }
  };
  await mkdir(house.state.server, { recursive: true });
  await writeFile(house.state.serverDatabase, '');
  await writeFile(house.state.machineId, `${'0'.repeat(16)}\n`);
  await writeFile(house.state.format, JSON.stringify(newer));
  await refused('the state directory');
  assert.deepEqual(JSON.parse(await readFile(house.state.format, 'utf8')), newer);
  await rm(house.state.format);
  await writeFile(house.state.serverRecord, JSON.stringify({ ...newer, address: '127.0.0.1:1' }));
  for (const args of [['list'], ['worker']]) {
    const { exitCode, stderr } = await house.lockkeeper(args, { timeoutMs: 20_000 });
    assert.equal(exitCode, 1);
    assert.match(stderr, /the embedded server of \S+ was made by Lockkeeper 9\.0\.0 \(format 99\), which is newer/);
  }
  assert.match(await readFile(house.state.serverRecord, 'utf8'), /"format":99/);
});

test('a server is asked for its search attributes as rarely as can be: each question leaks a connection in it', async (t) => {
  const house = await withHouse(t);
  await house.dev();
  const { address, server } = await house.server();
  const descriptors = async (): Promise<number> => (await readdir(`/proc/${server.pid}/fd`)).length;
  await withClient(address, async (client) => {
    const machine = { state: house.state, machine: 'test', hostName: 'test' };
    const askedTwentyTimes = async (searchAttributes: readonly string[] | null): Promise<unknown> => {
      const { coordinator } = createActivities({ ...machine, searchAttributes });
      const ask = () => new MockActivityEnvironment({}, { client }).run(() => coordinator.knownSearchAttributes());
      let last: unknown;
      for (let runs = 0; runs < 20; runs += 1) last = await ask();
      return last;
    };
    const before = await descriptors();
    assert.deepEqual(await askedTwentyTimes(SEARCH_ATTRIBUTES), SEARCH_ATTRIBUTES, 'known since the worker started');
    assert.deepEqual(await askedTwentyTimes(null), SEARCH_ATTRIBUTES, 'not known then, and asked once');
    // Other connections come and go.
    const after = await descriptors();
    assert.ok(after < before + 12, `${before} descriptors became ${after}`);

    const some = SEARCH_ATTRIBUTES.slice(0, 2);
    const { coordinator } = createActivities({ ...machine, searchAttributes: some });
    const refusing = new Client({ connection: client.connection, namespace: 'not-there' });
    const told = await new MockActivityEnvironment({}, { client: refusing }).run(() =>
      coordinator.knownSearchAttributes(),
    );
    assert.deepEqual(told, some, 'a question that fails takes nothing away');
  });
});

test('a keeper that is killed leaves the server running, and the next command gives it a new one', async (t) => {
  const house = await withHouse(t);
  keeper(house, 60);
  const before = await running(house);
  await leaveRun(before.address);
  process.kill(before.keeper.pid, 'SIGKILL');
  await until(async () => !(await isAlive(before.keeper)), 5000);
  assert.ok(await isAlive(before.server));
  assert.deepEqual(await list(house), ['update-left-alone']);
  const next = await house.server();
  assert.equal(next.server.pid, before.server.pid, 'the server itself was taken over');
  assert.notEqual(next.keeper.pid, before.keeper.pid);
});

test('a worker brings server and keeper back when both are killed, and serves on', async (t) => {
  const house = await withHouse(t);
  const dev = await house.dev();
  const before = await house.server();
  for (const { pid } of [before.keeper, before.server]) process.kill(pid, 'SIGKILL');
  const next = await running(house, before);
  assert.equal(next.address, before.address);
  assert.equal(dev.child.exitCode, null, dev.output());
});

test('a worker whose server comes back at another port ends, and says where the server is', async (t) => {
  const house = await withHouse(t);
  const dev = await house.dev();
  const before = await house.server();
  for (const { pid } of [before.keeper, before.server]) process.kill(pid, 'SIGKILL');
  const other = createServer();
  try {
    const take = (): Promise<boolean> =>
      new Promise((resolve) => {
        other.once('error', () => {
          resolve(false);
        });
        other.listen(Number(before.address.split(':')[1]), '127.0.0.1', () => {
          resolve(true);
        });
      });
    await until(take, 10_000);
    assert.equal(await dev.ended, 1, dev.output());
    const { address } = await running(house, before);
    assert.notEqual(address, before.address);
    assert.ok(dev.output().includes(`the embedded server moved from ${before.address} to ${address}`), dev.output());
  } finally {
    other.close();
  }
});

test('Ctrl-C at a command does not reach the server', async (t) => {
  const house = await withHouse(t);
  const dev = await house.dev();
  const { keeper: kept, server } = await house.server();
  for (const { pid } of [kept, server]) assert.notEqual(await sessionOf(pid), await sessionOf(dev.pid));
  // A terminal sends it to the whole foreground group.
  process.kill(-dev.pid, 'SIGINT');
  assert.equal(await dev.ended, 0, dev.output());
  assert.ok((await isAlive(server)) && (await isAlive(kept)), 'the server outlives the command');
});

test('a server that nobody needs ends, and comes back on the same port with its runs', async (t) => {
  const house = await withHouse(t);
  const first = keeper(house, 2);
  const ended = new Promise((resolve) => first.once('exit', resolve));
  const before = await running(house);
  await leaveRun(before.address);
  assert.equal(await ended, 0);
  assert.equal(await isAlive(before.server), false);
  keeper(house, 60);
  assert.equal((await running(house, before)).address, before.address);
  assert.deepEqual(await list(house), ['update-left-alone']);
});

test('closed runs are kept for 90 days, and the search attributes are there, as soon as the server is recorded', async (t) => {
  const house = await withHouse(t);
  keeper(house, 60);
  const { address, namespace } = await running(house);
  await withClient(address, async (client) => {
    const { config } = await client.workflowService.describeNamespace({ namespace });
    assert.equal(Number(config?.workflowExecutionRetentionTtl?.seconds), 90 * 24 * 3600);
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace });
    for (const name of ['LockkeeperInstance', 'LockkeeperRepository', 'LockkeeperOutcome', 'LockkeeperWaiting'])
      assert.ok(name in customAttributes, name);
  });
});

test('a state directory may have spaces and characters in its path that mean something in a URL', async (t) => {
  const house = await withHouse(t, { state: 'state of a fleet #1?%41&x=ü' });
  keeper(house, 60);
  const { address } = await running(house);
  await leaveRun(address);
  assert.deepEqual(await list(house), ['update-left-alone']);
  assert.ok((await readFile(house.state.serverDatabase)).length > 0, 'the database is in the state directory');
  assert.deepEqual(await readdir(house.root), ['state of a fleet #1?%41&x=ü'], 'and nowhere else');
});

test('a state directory that cannot be used is refused with one message that says what to do', async (t) => {
  const house = await withHouse(t);
  const file = join(house.root, 'file');
  await writeFile(file, '');
  await symlink(join(house.root, 'nowhere'), join(house.root, 'link'));
  const cannot = /^[^\n]*The state directory [^\n]+ cannot be used: [^\n]+--state-dir[^\n]*\n$/;
  const [place, long] = ['x'.repeat(900), 'x'.repeat(5000)].map((name) => join(house.root, name));
  for (const [folder = '', message] of [
    ...[file, join(file, 'below'), join(house.root, 'link'), '/proc/x', '/proc/x/y', place].map(
      (each) => [each, cannot] as const,
    ),
    [long, /^[^\n]*--state-dir "[^\n]+ is refused: give one line of 1 to 1000 characters\.\n$/] as const,
  ]) {
    const { exitCode, stderr } = await house.lockkeeper(['dev', '--state-dir', folder], { timeoutMs: 20_000 });
    assert.equal(exitCode, 1, stderr);
    assert.ok(stderr.length < 1000, 'a long path is cut off');
    assert.match(stderr, message);
  }
});

test(
  'a state directory that its user may not write to is refused',
  { skip: process.getuid?.() === 0 ? false : 'needs root, to become another user' },
  async (t) => {
    const house = await withHouse(t);
    await chmod(house.root, 0o755);
    await mkdir(house.state.root, { mode: 0o755 });
    const script = fileURLToPath(new URL('../../workers/main.js', import.meta.url));
    const child = spawn(process.execPath, [script, 'worker', '--state-dir', house.state.root], { uid: 65534 });
    let said = '';
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 1);
    assert.match(said, /The state directory \S+ cannot be used: this user may not use \S+\. Name another one/);
  },
);

test('a missing Temporal CLI is told within seconds by the command that needs it', async (t) => {
  const house = await withHouse(t);
  const env = { TEMPORAL_CLI: '/nowhere/temporal' };
  const flake = join(house.root, 'flake');
  await run('git', ['init', '--quiet', '--initial-branch=main', '--', flake]);
  await writeFile(join(flake, 'flake.nix'), '{ outputs = { self }: { }; }');
  await run('git', ['-C', flake, 'add', '--all']);
  const author = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org'];
  await run('git', ['-C', flake, ...author, 'commit', '--quiet', '--message=Start']);
  for (const args of [['dev'], ['update', flake]]) {
    const begun = Date.now();
    const { exitCode, stderr } = await house.lockkeeper(args, { env });
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, /TEMPORAL_CLI is \/nowhere\/temporal, which is not an executable file/, args.join(' '));
    assert.ok(Date.now() - begun < 10_000, `${args.join(' ')} took ${Date.now() - begun} ms`);
  }
});

test("the server's own errors are in its log, and the command that waited for it quotes them", async (t) => {
  const house = await withHouse(t);
  await mkdir(house.state.server, { recursive: true });
  await writeFile(house.state.serverDatabase, 'this is not a database, and longer than the header of one'.repeat(9));
  const { exitCode, stderr } = await house.lockkeeper(['dev'], { timeoutMs: 60_000 });
  assert.equal(exitCode, 1, stderr);
  assert.match(await readFile(house.state.serverLog, 'utf8'), /not a database/);
  assert.match(stderr, /server\.log/);
});
