import assert from 'node:assert/strict';
import { readFile, stat, statfs } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { isAlive } from '../../activities/process-tree.js';
import type { Report } from '../../model/report.js';
import { createFleet } from '../support/fleet.js';
import type { Fleet } from '../support/fleet.js';
import { openHouse, until } from '../support/lockkeeper.js';
import type { House } from '../support/lockkeeper.js';

let house: House;
let fleet: Fleet;
before(async () => {
  house = await openHouse();
});
after(() => house.close());

const withFleet = (body: () => Promise<void>) => async (): Promise<void> => {
  const hosts = ['athena', 'kyushu', 'rhea'].map((name) => ({ name, seconds: 6 }));
  fleet = await createFleet({ hosts });
  await fleet.moveInput('alpha');
  try {
    await body();
  } finally {
    await fleet.cleanup();
  }
};

/** All three hosts are building. */
const building = (): Promise<void> =>
  until(async () => (await fleet.builds()).filter((line) => line.startsWith('system')).length === 3, 40_000);

/** One branch at the report's head, and each derivation built exactly once. */
async function assertOnce(stdout: string): Promise<void> {
  const report = JSON.parse(stdout) as Report;
  assert.equal(report.outcome, 'landed');
  const { main, ...others } = await fleet.branches();
  assert.equal(main, report.base);
  assert.deepEqual(Object.values(others), [report.head]);
  const builds = [...(await fleet.builds())].sort();
  assert.deepEqual(
    builds,
    ['athena', 'kyushu', 'rhea']
      .map((name) => `package ${name}`)
      .concat(['athena', 'kyushu', 'rhea'].map((name) => `system ${name}`)),
    'each derivation was built once',
  );
}

test(
  'a worker killed in mid-build is started again, and the run ends as if nothing had happened',
  withFleet(async () => {
    const running = house.start(['update', fleet.checkout, '--json']);
    await building();
    const worker = await house.worker();
    process.kill(worker.pid, 'SIGKILL');
    assert.equal(await running.ended, 0, running.output());
    assert.notEqual((await house.worker()).pid, worker.pid);
    await assertOnce(running.stdout());
  }),
);

test(
  'a state directory on another file system than the store and the temporary files serves as well',
  { skip: (await statfs('/dev/shm').catch(() => null)) === null ? 'no /dev/shm' : false },
  withFleet(async () => {
    const elsewhere = await openHouse({ parent: '/dev/shm' });
    try {
      assert.notEqual((await stat(elsewhere.root)).dev, (await stat(fleet.root)).dev);
      const running = elsewhere.start([
        'update',
        fleet.checkout,
        '--json',
        '--gate',
        'marked=touch mark && test -e mark',
      ]);
      await building();
      process.kill((await elsewhere.worker()).pid, 'SIGKILL');
      assert.equal(await running.ended, 0, running.output());
      await assertOnce(running.stdout());
    } finally {
      await elsewhere.close();
    }
  }),
);

test(
  'the embedded server and its keeper killed in mid-build are started again',
  withFleet(async () => {
    const running = house.start(['update', fleet.checkout, '--json']);
    await building();
    const { keeper, server } = await house.server();
    process.kill(keeper.pid, 'SIGKILL');
    process.kill(server.pid, 'SIGKILL');
    assert.equal(await running.ended, 0, running.output());
    await assertOnce(running.stdout());
  }),
);

test(
  'Ctrl-C leaves the run standing with exit status 130, and the same command picks it up with its builds',
  withFleet(async () => {
    const first = house.start(['update', fleet.checkout, '--json']);
    await building();
    process.kill(first.pid, 'SIGINT');
    assert.equal(await first.ended, 130, first.output());
    assert.match(first.output(), /lockkeeper update/, 'it says how to pick the run up');
    const worker = await house.worker();
    await until(
      async () => !(await isAlive(worker)),
      20_000,
      () => 'the worker outlives its command',
    );

    const second = house.start(['update', fleet.checkout, '--json']);
    assert.equal(await second.ended, 0, second.output());
    await assertOnce(second.stdout());
  }),
);

test(
  'the command, the worker and the server killed at once lose nothing',
  withFleet(async () => {
    const first = house.start(['update', fleet.checkout, '--json']);
    await building();
    const { keeper, server } = await house.server();
    const { pid } = await house.worker();
    for (const each of [first.pid, pid, keeper.pid, server.pid]) process.kill(each, 'SIGKILL');
    const second = house.start(['update', fleet.checkout, '--json']);
    assert.equal(await second.ended, 0, second.output());
    await assertOnce(second.stdout());
    const reported = await readFile(
      `${house.state.reports}/${(JSON.parse(second.stdout()) as Report).run}.json`,
      'utf8',
    );
    assert.equal((JSON.parse(reported) as Report).outcome, 'landed');
  }),
);
