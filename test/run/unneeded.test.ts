import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import type { DataConverter } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { buildQueue, COORDINATOR_QUEUE, EVALUATE_QUEUE, queueOf } from '../../model/run/queues.js';
import type { Report } from '../../model/report/data.js';
import { createActivities } from '../../workers/activities.js';
import { withFleet } from '../support/fleet.js';
import { withHouse, type House } from '../support/lockkeeper.js';
import { ownProof } from '../support/runs.js';

const BUNDLE = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
/** The account whose runs the workers of this process do. */
const USER = 'tester';

/** What failed until its last try. */
const fails = (what: string) => (): Promise<never> => {
  throw ApplicationFailure.nonRetryable(`${what} failed until its last try`);
};

/** Works for an account's runs on a house's server, as a worker in whose hands all fails that a run does not need. */
async function withUnneededFailing(house: House, body: () => Promise<void>): Promise<void> {
  const dataConverter = await ownProof(house);
  const connection = await NativeConnection.connect({ address: (await house.server()).address });
  const { machine } = await house.worker();
  const { coordinator, evaluator, builder } = createActivities({ state: house.state, machine, hostName: 'here' });
  const queues: readonly (readonly [string, object])[] = [
    [
      COORDINATOR_QUEUE,
      {
        ...coordinator,
        knownSearchAttributes: fails('the look-up of search attributes'),
        earlierHolds: fails('the look at earlier runs'),
        readCommits: fails('the look at commits'),
        makeWay: fails('the look for newer and older runs'),
      },
    ],
    [EVALUATE_QUEUE, { ...evaluator, compareWithBase: fails('the comparison') }],
    [buildQueue('x86_64-linux'), builder],
  ];
  try {
    const done = body();
    await Promise.allSettled(
      queues.map(([queue, activities]) => work({ connection, dataConverter }, queue, activities, done)),
    );
    await done;
  } finally {
    await connection.close();
  }
}

/** Serves a queue of the account until something is done. */
async function work(
  server: { readonly connection: NativeConnection; readonly dataConverter: DataConverter },
  queue: string,
  activities: object,
  done: Promise<void>,
): Promise<void> {
  const workflows = queue === COORDINATOR_QUEUE ? { workflowBundle: { codePath: BUNDLE } } : {};
  const worker = await Worker.create({
    ...server,
    activities,
    taskQueue: queueOf(queue, USER),
    ...workflows,
  });
  await worker.runUntil(done);
}

test('a comparison with base, and all else that a run does not need, may fail: the report says what is not known', async (t) => {
  const house = await withHouse(t);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await house.dev('--roles', 'builder');
  await fleet.moveInput('alpha');
  const config = path.join(house.root, 'lockkeeper.toml');
  const instance = `user = "${USER}"\nrepoPath = "${fleet.checkout}"\ndryRun = true\noverlap = "supersede"\n`;
  await writeFile(config, `name = "unneeded"\n[instances.own]\n${instance}`);
  await withUnneededFailing(house, async () => {
    const started = await house.lockkeeper(['run', 'own', '--config', config]);
    const run = started.stdout.trim();
    const watched = await house.lockkeeper(['watch', run]);
    assert.equal(watched.exitCode, 0, started.stderr + watched.stdout + watched.stderr);
    const { stdout } = await house.lockkeeper(['report', run, '--format', 'json']);
    const report = JSON.parse(stdout) as Report;
    assert.equal(report.outcome, 'verified');
    assert.deepEqual(
      report.targets.map(({ name, verdict, sameAsBase }) => [name, verdict, sameAsBase]),
      [['athena', 'built', null]],
    );
    assert.match((await house.lockkeeper(['report', run])).stdout, /athena +x86_64-linux +built +not known/);
  });
});
