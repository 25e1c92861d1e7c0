import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ownIdentity } from '../../host/processes.js';
import { isListeningAt } from '../../host/listening.js';
import { isLocked, lastHolder, takeLock } from '../../host/machine-lock.js';
import { earlierLockAddress } from '../../workers/exclusive.js';
import { lockFile } from '../../model/machine/state-directory.js';
import { until, withHouse } from '../support/lockkeeper.js';
import { withFolder } from '../support/scope.js';

const isRoot = process.getuid?.() === 0;
const asNobody = ['setpriv', '--reuid', '65534', '--clear-groups'];

/** A process that runs a script of Node's, and has printed something when this returns. */
async function start(script: string, by: readonly string[] = []): Promise<ChildProcess> {
  const [program, ...words] = [...by, process.execPath, '--input-type=module', '-e', script];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
  child.kill('SIGKILL');
  await ended;
}

const listening = (where: string): string =>
  `import { createServer } from 'node:net';
   createServer().listen(${where}, () => console.log('listens'));`;

test('of many that want a lock at once one gets it, and the next one when it is given back', async (t) => {
  const folder = await withFolder(t);

  const file = join(folder, 'lock');
  const self = await ownIdentity();
  for (let turn = 0; turn < 3; turn += 1) {
    const taken = await Promise.all(Array.from({ length: 8 }, () => takeLock(file, self, 'test')));
    const [lock, ...more] = taken.filter((each) => each !== null);
    assert.ok(lock);
    assert.equal(more.length, 0);
    assert.equal(await isLocked(file), true);
    assert.equal((await lastHolder(file))?.pid, process.pid);
    await lock.release();
    assert.equal(await isLocked(file), false);
  }
});

test('a lock is given back when its holder is killed, and is lost with its folder', async (t) => {
  const folder = await withFolder(t);

  const file = join(folder, 'lock');
  const self = await ownIdentity();
  const module = new URL('../../host/machine-lock.js', import.meta.url).href;
  const holder = await start(
    `import { takeLock } from ${JSON.stringify(module)};
       const lock = await takeLock(${JSON.stringify(file)}, ${JSON.stringify(self)}, 'test');
       console.log(lock === null ? 'not taken' : 'taken');
       setInterval(() => undefined, 1000);`,
  );
  assert.equal(await takeLock(file, self, 'test'), null);
  await end(holder);
  const lock = await takeLock(file, self, 'test');
  assert.ok(lock);
  assert.equal(await lock.isInPlace(), true);
  await rm(file);
  assert.equal(await lock.isInPlace(), false);
  const next = await takeLock(file, self, 'test');
  assert.ok(next);
  await lock.release();
  assert.equal(await next.isInPlace(), true, 'the file of the next holder is not removed');
  await next.release();
});

test(
  'another account that has taken the names that 0.1.0 used keeps no worker and no server out',
  { skip: isRoot ? false : 'only root can be another account' },
  async (t) => {
    const house = await withHouse(t);
    const root = join(await realpath(house.root), 'state');
    const others = await Promise.all(
      ['worker', 'server'].map((role) => start(listening(JSON.stringify(earlierLockAddress(role, root))), asNobody)),
    );
    try {
      await house.dev();
      const doctor = await house.lockkeeper(['doctor']);
      const { pid } = await house.worker();
      assert.match(
        doctor.stdout,
        new RegExp(`lock worker +locked by pid ${pid} \\(worker\\) since .*, which is running`),
      );
      assert.match(doctor.stdout, /lock server +locked by pid \d+ \(server\) since .*, which is running/);
    } finally {
      await Promise.all(others.map(end));
    }
  },
);

test('a worker of 0.1.0 that still runs is named, and none of this version starts beside it', async (t) => {
  const house = await withHouse(t);
  const root = join(await realpath(house.root), 'state');
  const earlier = await start(listening(JSON.stringify(earlierLockAddress('worker', root))));
  try {
    const { exitCode, stderr } = await house.lockkeeper(['worker']);
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      new RegExp(
        `a worker of Lockkeeper 0\\.1\\.0 already runs on the state directory .* \\(pid ${earlier.pid ?? 0}\\)`,
      ),
    );
    assert.equal(await isLocked(lockFile(house.state, 'worker')), false);
  } finally {
    await end(earlier);
  }
});

test('a worker whose state directory was removed stops', async (t) => {
  const house = await withHouse(t);
  const worker = await house.dev();
  await rm(lockFile(house.state, 'worker'));
  await worker.ended;
  assert.match(worker.output(), /was removed or made anew: this worker stops/);
});

test('a server of somebody else that takes the port first is not taken for ours, and another port is', async (t) => {
  const house = await withHouse(t);
  const cli = process.env.TEMPORAL_CLI ?? '';
  const impostor = join(house.root, 'temporal');
  // The first start finds another server at its port, and lives on for a while without it.
  await writeFile(
    impostor,
    `#!/bin/sh
cd ${house.root}
if mkdir first 2>/dev/null; then
  while [ "$1" != --port ]; do shift; done
  echo "$2" > taken
  ${cli} server start-dev --headless --ip 127.0.0.1 --port "$2" >/dev/null 2>&1 &
  echo $! > other
  exec sleep 6
fi
cd ${house.state.server}
exec ${cli} "$@"
`,
  );
  await chmod(impostor, 0o755);
  house.start(['dev'], { env: { TEMPORAL_CLI: impostor } });
  try {
    await until(
      async () => (await house.server().catch(() => null)) !== null,
      60_000,
      () => 'no server runs',
    );
    const { address, server } = await house.server();
    assert.notEqual(address, `127.0.0.1:${(await readFile(join(house.root, 'taken'), 'utf8')).trim()}`);
    assert.equal(await isListeningAt(server.pid, address), true);
  } finally {
    try {
      process.kill(Number(await readFile(join(house.root, 'other'), 'utf8')), 'SIGKILL');
    } catch {
      // It may have ended with the start that it hindered.
    }
  }
});

test('a process that took the port of a dead server is not talked to', async (t) => {
  const house = await withHouse(t);
  await house.dev();
  const { keeper, server, address } = await house.server();
  await house.worker().then(({ pid }) => process.kill(pid, 'SIGKILL'));
  for (const { pid } of [keeper, server]) process.kill(pid, 'SIGKILL');
  await until(
    async () => !(await isListeningAt(server.pid, address)),
    5000,
    () => 'the server lives',
  );
  const [host = '', port = ''] = address.split(':');
  const other = await start(
    `import { createServer } from 'node:net';
       createServer(() => console.log('asked')).listen(${port}, '${host}', () => console.log('listens'));`,
    isRoot ? asNobody : [],
  );
  let said = '';
  other.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  try {
    const { exitCode, stderr } = await house.lockkeeper(['list']);
    assert.equal(exitCode, 0, stderr);
    assert.notEqual((await house.server()).address, address);
    assert.equal(said, '');
  } finally {
    await end(other);
  }
});
