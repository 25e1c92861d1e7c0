import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Client } from '@temporalio/client';
import type { WatchedChannels } from '../../model/channels/watched.js';
import { instanceRecordId, repositoryLockId } from '../../model/run/ids.js';
import { repositoryKey } from '../../model/run/keys.js';
import { newRecord } from '../../model/instance/record.js';
import { COORDINATOR_QUEUE } from '../../model/run/queues.js';
import type { Report } from '../../model/report/data.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import { createActivities } from '../../workers/activities.js';
import { BUILT_OUTSIDE, writeAgent } from '../support/agent.js';
import type { FleetOptions } from '../support/fleet.js';
import { commitFiles, git } from '../support/git.js';
import { writeInstances } from '../support/instances.js';
import { killBuilder } from '../support/kill-builder.js';
import { openHouse, reaching, until, withHouse, type House, type Running } from '../support/lockkeeper.js';
import { ntfyMissing, withNtfyIfThere } from '../support/ntfy.js';
import { repositoryAt, withPlace } from '../support/repository.js';
import { isAlive } from '../../host/processes.js';
import { nameOnForge, withStandInForge, type StandInForge } from '../support/stand-in-forge.js';
import { withServer } from '../support/runs.js';
import {
  VICTIMS,
  assertAsIfNothingHappened,
  assertNothingIsLeft,
  assertReleased,
  kill,
  killAt,
  openHelper,
  openStage,
} from '../support/stage.js';
import type { Stage, Victim } from '../support/stage.js';
import { wholeFile } from '../support/scope.js';

/**
 * Whatever dies while a run is at one of its activities or waits for something, the run ends as if nothing had happened:
 * {worker, server, both} × {each activity, each wait}. The list of activities is the workers' own: a new one is a row by
 * itself, and the first test here fails until a scene comes to it. `npm run test:full` plays every cell, `npm test` a few.
 */
const FULL = process.env.LOCKKEEPER_TEST_FULL === '1';

const ntfy = await withNtfyIfThere(wholeFile);
const house = await withHouse(wholeFile);
/** Program of an agent: see test/support/agent.ts. */
const agent = await writeAgent(house.root);

/** Plays a run in which `victim` dies at the row's place, and looks at how it ended. */
type Scene = (victim: Victim) => Promise<void>;

const PLAIN: FleetOptions = { hosts: [{ name: 'athena', seconds: 2 }, { name: 'rhea' }] };

async function onStage(at: House, options: FleetOptions, body: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = await openStage(at, ntfy, options);
  try {
    await body(stage);
  } finally {
    await stage.fleet.cleanup();
  }
}

const says = (running: Running, text: string | RegExp): Promise<void> =>
  until(
    () => running.output().search(text) >= 0,
    90_000,
    () => `not said: ${String(text)}\n${running.output()}`,
  );

/** Plays a run whose victim dies when the worker holds a task of the activity. */
async function dyingAt(
  activity: string,
  victim: Victim,
  body: (killed: () => boolean) => Promise<void>,
  at = house,
): Promise<void> {
  const killer = await killAt(house, activity, victim, at);
  try {
    await body(killer.killed);
    assert.ok(killer.killed(), `no worker held ${activity}: it needs a scene of its own in SCENES`);
  } finally {
    killer.stop();
  }
}

/** A run that needs nobody. */
const plain =
  (activity: string, options = PLAIN): Scene =>
  (victim) =>
    dyingAt(activity, victim, () =>
      onStage(house, options, async (stage) => {
        await assertAsIfNothingHappened(stage, stage.update(), ntfy);
      }),
    );

/** A limit of builds that is not passed. */
const limited: Scene = (victim) =>
  dyingAt('planBuilds', victim, () =>
    onStage(house, PLAIN, async (stage) => {
      await assertAsIfNothingHappened(stage, stage.update('--max-builds', '4'), ntfy);
    }),
  );

/** A gate's command takes a while, and is followed by the next worker. */
const gated: Scene = (victim) =>
  dyingAt('runGate', victim, () =>
    onStage(house, PLAIN, async (stage) => {
      await assertAsIfNothingHappened(stage, stage.update('--gate', 'slow=sleep 2'), ntfy);
    }),
  );

/** What is built goes to a cache, which has it in the end. */
const uploaded: Scene = (victim) =>
  dyingAt('uploadClosure', victim, () =>
    onStage(house, PLAIN, async (stage) => {
      const cache = `file://${join(stage.fleet.root, 'cache')}`;
      const { targets } = await assertAsIfNothingHappened(stage, stage.update('--cache', cache), ntfy);
      for (const { caches = [] } of targets)
        assert.deepEqual(
          caches.map(({ outcome, paths }) => [outcome, paths]),
          [['uploaded', 1]],
        );
    }),
  );

/** Builds that take so long that the run looks whether their system is served. */
const slow = (activity: string): Scene => plain(activity, { hosts: [{ name: 'athena', seconds: 12 }] });

/** A run that a broken host leads further, and what it is asked. */
interface Detour {
  readonly options: FleetOptions;
  readonly args: () => readonly string[];
}

/**
 * A detour builds more than once what differs with the commit, and what is broken: how often, a run tells in which nobody
 * dies.
 */
function detour({ options, args }: Detour): (activity: string) => Scene {
  let undisturbed: Promise<readonly string[]> | undefined;
  const builds = (): Promise<readonly string[]> =>
    (undisturbed ??= new Promise((resolve, reject) => {
      onStage(house, options, async (stage) => {
        const running = stage.update(...args());
        assert.equal(await running.ended, 0, running.output());
        resolve(await stage.fleet.builds());
      }).catch(reject);
    }));
  return (activity) => async (victim) => {
    const expected = await builds();
    await dyingAt(activity, victim, () =>
      onStage(house, options, async (stage) => {
        await assertAsIfNothingHappened(stage, stage.update(...args()), ntfy, { builds: expected });
      }),
    );
  };
}

/** Main is verified as it is, by a run that lands nothing and moves channels. */
const verifies =
  (activity: string): Scene =>
  (victim) =>
    onStage(house, PLAIN, async ({ fleet }) => {
      await dyingAt(activity, victim, async () => {
        const running = house.start(['verify', fleet.checkout, '--channel', 'tested-{host}', '--json']);
        const { run, outcome, channels } = await running.report();
        assert.equal(outcome, 'verified');
        assert.ok(
          channels.every(({ outcome: moved }) => moved === 'moved' || moved === 'there'),
          JSON.stringify(channels),
        );
        const { main = '', ...others } = await fleet.branches();
        assert.deepEqual(others, { 'tested-athena': main, 'tested-rhea': main });
        const once = PLAIN.hosts.flatMap(({ name }) => [`package ${name}`, `system ${name}`]);
        assert.deepEqual([...(await fleet.builds())].sort(), once.sort());
        await assertNothingIsLeft(house, fleet, run);
        await assertReleased(house, run);
      });
    });

/** A commit that nobody has pushed is compared with main. */
const compares: Scene = (victim) =>
  onStage(house, PLAIN, async ({ fleet }) => {
    const { main = '' } = await fleet.branches();
    const own = await fleet.pushUpdate(Object.keys(fleet.inputs));
    await git(fleet.checkout, 'pull', '--quiet', '--ff-only');
    await git(fleet.remote, 'update-ref', 'refs/heads/main', main);
    await dyingAt('findComparison', victim, async () => {
      const running = house.start(['update', fleet.checkout, '--skip-update', '--json']);
      const { run, outcome, head } = await running.report();
      assert.deepEqual([outcome, head], ['verified', own]);
      await assertNothingIsLeft(house, fleet, run);
      await assertReleased(house, run);
    });
  });

/** An input that others follow breaks a host, and is found and held back. */
const holdsBack = detour({
  options: {
    inputs: ['beta', 'alpha', 'gamma'],
    follows: { beta: 'alpha', gamma: 'alpha' },
    selfRev: true,
    hosts: [
      { name: 'athena', input: 'beta' },
      { name: 'kyushu', input: 'alpha', brokenBy: [['alpha']], brokenIn: 'package' },
    ],
  },
  args: () => [],
});

/** An agent fixes one host, and not the other, which an input is held back for: the fix is taken over onto that. */
const fixes = detour({
  options: {
    inputs: ['alpha', 'beta', 'gamma'],
    hosts: [
      { name: 'athena', brokenBy: [['beta']] },
      { name: 'kyushu', brokenBy: [['gamma']] },
    ],
  },
  args: () => ['--autofix', agent, '--autofix-arg', 'fix:athena', '--max-attempts', '1', ...BUILT_OUTSIDE],
});

/** Main moves while a run that lands by merge builds. */
const mainMoves: Scene = (victim) =>
  dyingAt('carryOver', victim, () =>
    onStage(house, PLAIN, async (stage) => {
      const { fleet } = stage;
      const running = stage.update('--land', 'merge');
      await until(
        async () => (await fleet.buildsOf('athena')) > 0,
        60_000,
        () => running.output(),
      );
      await fleet.pushToMain({ 'NOTES.md': 'by a colleague\n' });
      await assertAsIfNothingHappened(stage, running, ntfy);
    }),
  );

/** A worker dies while it builds, and again while the next one is attached to that build. */
const diesTwice: Scene = (victim) =>
  dyingAt('attachBuild', victim, () =>
    onStage(house, { hosts: [{ name: 'athena', seconds: 8 }] }, async (stage) => {
      const running = stage.update();
      await until(
        () => withServer(house, async (client) => (await followedBuilds(client)) > 0),
        60_000,
        () => running.output(),
      );
      await kill(house, victim === 'server' ? 'worker' : victim);
      await assertAsIfNothingHappened(stage, running, ntfy);
    }),
  );

/** Builds of which the server knows the machine: only those can be attached to. */
async function followedBuilds(client: Client): Promise<number> {
  let builds = 0;
  for await (const { workflowId } of client.workflow.list({ query: OPEN_VERIFICATIONS })) {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const followed = (raw.pendingActivities ?? []).filter(
      ({ activityType, heartbeatDetails }) => activityType?.name === 'buildTarget' && heartbeatDetails != null,
    );
    builds += followed.length;
  }
  return builds;
}

const OPEN_VERIFICATIONS = 'WorkflowType = "verifyCandidate" AND ExecutionStatus = "Running"';

/**
 * Somebody else takes the repository between the start of a run and its first step; it is given back when `meanwhile` is over. The
 * worker stands still meanwhile, and a run of its own is what the lock is held for: one whose run is over is none.
 */
const whileHeld = (meanwhile: (running: Running) => Promise<void>): Promise<void> =>
  onStage(house, PLAIN, async (stage) => {
    const { pid, end } = await lastingWorker();
    const lock = repositoryLockId(repositoryKey(repositoryAt(stage.fleet.remote), true));
    const holder = `${lock}-holder`;
    const held = { workflowId: lock, taskQueue: COORDINATOR_QUEUE, memo: { run: holder } };
    await untilDone((client) => client.workflow.start('holdRepository', { ...held, workflowId: holder }));
    process.kill(pid, 'SIGSTOP');
    const running = stage.update();
    try {
      await untilDone(async (client) => {
        const { count } = await client.workflow.count(OPEN_RUNS);
        assert.ok(count > 0, running.output());
      });
      await untilDone((client) => client.workflow.start('holdRepository', held));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await meanwhile(running);
    for (const each of [lock, holder])
      await untilDone((client) => client.workflow.getHandle(each).terminate('given back'));
    await assertAsIfNothingHappened(stage, running, ntfy);
    await end();
  });

/** A worker that stays: one that a command has brought ends by itself as soon as nothing is left to do. */
async function lastingWorker(): Promise<{ readonly pid: number; readonly end: () => Promise<unknown> }> {
  const left = await house.worker().catch(() => null);
  if (left !== null && (await isAlive(left))) process.kill(left.pid, 'SIGKILL');
  await until(async () => left === null || !(await isAlive(left)), 10_000);
  const dev = await house.dev();
  return {
    pid: (await house.worker()).pid,
    end: async () => {
      dev.child.kill('SIGTERM');
      await dev.ended;
    },
  };
}

const OPEN_RUNS = 'WorkflowType = "updateFlake" AND ExecutionStatus = "Running"';

/** Does something with the house's server as soon as it can be done: the server may be starting again. */
const untilDone = (work: (client: Client) => Promise<unknown>): Promise<void> =>
  until(
    () => withServer(house, (client) => work(client).then(() => true)),
    60_000,
    () => 'the server does not come back',
  );

const asksWhoHolds: Scene = (victim) => dyingAt('whoHolds', victim, (killed) => whileHeld(() => until(killed, 60_000)));

const waitsForRepository: Scene = (victim) =>
  whileHeld(async (running) => {
    await says(running, 'is held by');
    await kill(house, victim);
  });

const FOREIGN = 'riscv64-linux';

/** No worker serves the system of a host; the one that comes at last can build for it, as one with emulation can. */
const whileUnserved = (meanwhile: (running: Running) => Promise<void>): Promise<void> =>
  onStage(house, { hosts: [{ name: 'athena' }, { name: 'pi', system: FOREIGN }] }, async (stage) => {
    const running = stage.update();
    await meanwhile(running);
    await untilDone(() => Promise.resolve());
    const helper = await openHelper(house, ['--roles', 'builder', '--systems', FOREIGN], {
      NIX_CONFIG: `extra-platforms = ${FOREIGN}`,
    });
    try {
      await helper.start();
      await assertAsIfNothingHappened(stage, running, ntfy, { helpers: [helper.house] });
    } finally {
      await helper.house.close();
    }
  });

const waitsForSystem: Scene = (victim) =>
  whileUnserved(async (running) => {
    await says(running, `a worker of ${FOREIGN}`);
    await kill(house, victim);
  });

/** Another machine builds, and is told to forget the run at its end. The worker that dies is the one of that machine. */
const builtElsewhere: Scene = (victim) =>
  withCoordinator(['--roles', 'coordinator'], async (coordinator) => {
    const helper = await openHelper(coordinator, ['--roles', 'builder']);
    const killer = await killAt(coordinator, 'forgetRun', victim, helper.house);
    try {
      await helper.start();
      await onStage(coordinator, PLAIN, async (stage) => {
        const running = stage.update();
        await until(killer.killed, 90_000, () => `nobody was told to forget: ${running.output()}`);
        if (victim !== 'server') await helper.start();
        await assertAsIfNothingHappened(stage, running, ntfy, { helpers: [helper.house] });
      });
    } finally {
      killer.stop();
      await helper.house.close();
    }
  });

/** Somebody on another machine reads a log of a run that is over. */
const logIsRead: Scene = (victim) =>
  withCoordinator([], async (coordinator) => {
    const reader = await openHouse();
    const killer = await killAt(coordinator, 'readLog', victim);
    try {
      await onStage(coordinator, PLAIN, async (stage) => {
        const { run } = await assertAsIfNothingHappened(stage, stage.update(), ntfy);
        const env = await reaching(coordinator);
        const reading = reader.start(['logs', run, 'rhea'], { env });
        await until(killer.killed, 60_000, () => `nobody was asked: ${reading.output()}`);
        if (victim !== 'server') await coordinator.dev();
        await reading.ended;
        // A command that only reads may say that the server is gone; typed again, it reads all.
        await until(
          async () => (await reader.lockkeeper(['logs', run, 'rhea'], { env })).stdout.includes('building rhea'),
          60_000,
          () => reading.output(),
        );
        if (victim === 'worker') assert.match(reading.stdout(), /building rhea/);
      });
    } finally {
      killer.stop();
      await reader.close();
    }
  });

/** A run of a configured instance, whose end is counted once. */
const counted: Scene = (victim) =>
  dyingAt('recordEnd', victim, () =>
    onStage(house, PLAIN, async (stage) => {
      const file = join(house.root, `${stage.topic}.json`);
      const told = { ntfyServer: ntfy.url, ntfyTopic: stage.topic, ntfyTokenFile: join(house.root, 'token') };
      const instances = { [stage.topic]: { repoPath: stage.fleet.checkout, ...told } };
      await writeFile(file, JSON.stringify({ instances }));
      const running = house.start(['run', stage.topic, '--watch', '--json', '--config', file]);
      const { failuresInRow } = await assertAsIfNothingHappened(stage, running, ntfy);
      assert.deepEqual(failuresInRow, { count: 0, alarm: false, paused: false });
      await untilDone(async (client) => {
        const record = client.workflow.getHandle(instanceRecordId(stage.topic, null));
        assert.equal(typeof (await record.describe()).memo?.lastSuccess, 'string');
        await record.terminate();
      });
    }),
  );

/** Main is watched; whoever dies while it is looked at, it is verified once, and its channels move. */
const watchesMain: Scene = (victim) =>
  withCoordinator([], (coordinator) =>
    onStage(coordinator, PLAIN, async ({ fleet }) => {
      const toml = 'mode = "verify"\nchannel = "tested-{host}"\n[instances.seen]\npoll = "10s"\n';
      const flags = await writeInstances(coordinator, fleet, undefined, 'watching', toml);
      const killer = await killAt(coordinator, 'lookAtMain', victim);
      try {
        assert.equal((await coordinator.lockkeeper(['apply', ...flags])).exitCode, 0);
        await until(killer.killed, 60_000, () => 'nobody looked');
        if (victim !== 'server') await coordinator.dev();
        const { main = '' } = await fleet.branches();
        const isDone = async (): Promise<boolean> => {
          const { 'tested-athena': athena, 'tested-rhea': rhea } = await fleet.branches();
          return athena === main && rhea === main;
        };
        await until(isDone, 90_000, () => 'the channels do not move');
        const once = PLAIN.hosts.flatMap(({ name }) => [`package ${name}`, `system ${name}`]);
        assert.deepEqual([...(await fleet.builds())].sort(), once.sort());
      } finally {
        killer.stop();
      }
    }),
  );

/** A run that waits for approval gives way to a newer one, which lands. */
const givesWay: Scene = (victim) =>
  onStage(house, PLAIN, async (stage) => {
    const file = join(house.root, `${stage.topic}.json`);
    const told = { ntfyServer: ntfy.url, ntfyTopic: stage.topic, ntfyTokenFile: join(house.root, 'token') };
    const asks = { overlap: 'supersede', approval: { enable: true } };
    const instances = { [stage.topic]: { repoPath: stage.fleet.checkout, ...told, ...asks } };
    await writeFile(file, JSON.stringify({ instances }));
    const command = ['run', stage.topic, '--watch', '--json', '--config', file];
    const older = house.start(command);
    await says(older, 'waits for approval');
    await until(async () => (await ntfy.messages(stage.topic)).length === 1, 60_000);
    await dyingAt('makeWay', victim, async () => {
      const newer = house.start(command);
      assert.equal(await older.ended, 4, older.output());
      await says(newer, 'waits for approval');
      await until(async () => (await ntfy.messages(stage.topic)).length === 3, 60_000);
      await until(
        async () => (await house.lockkeeper(['approve', 'latest', '--yes'])).exitCode === 0,
        60_000,
        () => newer.output(),
      );
      const report = await assertAsIfNothingHappened(stage, newer, ntfy, { told: 4 });
      assert.equal((JSON.parse(older.stdout()) as Report).supersededBy, report.run);
    });
  });

/** A watch looks, and people are told once what it found. */
const watched: Scene = (victim) =>
  withCoordinator([], async (coordinator) => {
    const killer = await killAt(coordinator, 'findOverdue', victim);
    const instance = 'silent';
    const topic = `silent-${victim}`;
    const token = join(coordinator.root, 'token');
    await writeFile(token, ntfy.token, { mode: 0o600 });
    const notify = { ntfy: { server: ntfy.url, topic, tokenFile: token }, inboxOrg: null };
    const look = { instance, limitSeconds: 1, repository: 'fleet', notify, timeZone: 'UTC' };
    const before = newRecord(instance, new Date(Date.now() - 60_000));
    try {
      assert.ok(
        await withServer(coordinator, async (client) => {
          const taskQueue = COORDINATOR_QUEUE;
          const workflowId = instanceRecordId(instance, null);
          await client.workflow.start('recordInstance', { workflowId, taskQueue, args: [before] });
          await client.workflow.start('watchInstances', { workflowId: 'look', taskQueue, args: [[look]] });
          return true;
        }),
      );
      await until(killer.killed, 60_000, () => 'nobody looked');
      if (victim !== 'server') await coordinator.dev();
      const done = (client: Client): Promise<boolean> =>
        client.workflow
          .getHandle('look')
          .describe()
          .then(({ status }) => status.name === 'COMPLETED');
      await until(
        () => withServer(coordinator, done),
        60_000,
        () => 'the look does not end',
      );
      assert.equal((await ntfy.messages(topic)).length, 1);
    } finally {
      killer.stop();
    }
  });

/** Channels are looked at, and people are told once that one stands still, also when a later look repeats what one before it did. */
const watchesChannels =
  (activity: 'lookAtChannels' | 'channelsTold'): Scene =>
  (victim) =>
    withCoordinator([], (coordinator) =>
      withPlace(async ({ checkout, repository, base }) => {
        const killer = await killAt(coordinator, activity, victim);
        const topic = `${activity}-${victim}`;
        const token = join(coordinator.root, 'token');
        await writeFile(token, ntfy.token, { mode: 0o600 });
        await git(checkout, 'push', '--quiet', 'origin', `${base}:refs/heads/tested-athena`);
        await commitFiles(checkout, { one: 'one' }, 'one');
        await git(checkout, 'push', '--quiet', 'origin', 'HEAD:main');
        const notify = { ntfy: { server: ntfy.url, topic, tokenFile: token }, inboxOrg: null };
        const look: WatchedChannels = {
          ...{ instance: 'watched', repository, template: 'tested-{host}', limitSeconds: 0, notify, timeZone: 'UTC' },
        };
        const lookAs = (workflowId: string): Promise<boolean> =>
          withServer(coordinator, async (client) => {
            await client.workflow.start('watchChannels', { workflowId, taskQueue: COORDINATOR_QUEUE, args: [[look]] });
            return true;
          });
        const untilDone = (workflowId: string): Promise<void> =>
          until(
            () =>
              withServer(coordinator, async (client) => {
                const { status } = await client.workflow.getHandle(workflowId).describe();
                return status.name === 'COMPLETED';
              }),
            60_000,
            () => 'the look does not end',
          );
        try {
          assert.ok(await lookAs('look'));
          await until(killer.killed, 60_000, () => 'nobody looked');
          if (victim !== 'server') await coordinator.dev();
          await untilDone('look');
          assert.ok(await lookAs('again'));
          await untilDone('again');
          assert.equal((await ntfy.messages(topic)).length, 1);
        } finally {
          killer.stop();
        }
      }),
    );

async function withCoordinator(args: readonly string[], body: (coordinator: House) => Promise<void>): Promise<void> {
  const coordinator = await openHouse();
  try {
    await coordinator.dev(...args);
    await body(coordinator);
  } finally {
    await coordinator.close();
  }
}

const waitsForApproval: Scene = (victim) =>
  onStage(house, PLAIN, async (stage) => {
    const running = stage.update('--approve');
    await says(running, 'waits for approval');
    await until(async () => (await ntfy.messages(stage.topic)).length === 1, 60_000);
    await kill(house, victim);
    await until(
      async () => (await house.lockkeeper(['approve', 'latest', '--yes'])).exitCode === 0,
      60_000,
      () => running.output(),
    );
    await assertAsIfNothingHappened(stage, running, ntfy, { told: 2 });
  });

/** The machine fails a build twice, so that the third try is a while away. */
const waitsForRetry: Scene = (victim) =>
  onStage(house, { hosts: [{ name: 'athena', seconds: 3 }] }, async (stage) => {
    const running = stage.update();
    for (const time of [1, 2]) {
      await until(
        async () => (await stage.fleet.buildsOf('athena')) === time,
        60_000,
        () => running.output(),
      );
      await killBuilder(stage.fleet, 'athena');
    }
    await says(running, /is tried again in 5 s/);
    await kill(house, victim);
    const tries = ['system athena', 'system athena', 'system athena'];
    await assertAsIfNothingHappened(stage, running, ntfy, { builds: ['package athena', ...tries] });
  });

/** Base is built when the candidate is, to be compared with it. */
const buildsBase: Scene = (victim) =>
  onStage(house, { hosts: [{ name: 'athena', seconds: 4 }] }, async (stage) => {
    const running = stage.update('--build-base');
    await until(
      async () => (await stage.fleet.buildsOf('athena')) === 2,
      60_000,
      () => running.output(),
    );
    await kill(house, victim);
    const both = ['package athena', 'system athena'].flatMap((one) => [one, one]);
    const { targets } = await assertAsIfNothingHappened(stage, running, ntfy, { builds: both });
    assert.deepEqual(
      targets.map(({ closure }) => closure?.kind === 'compared' && closure.from),
      ['build'],
    );
  });

/** A branch of another day is there, which the update makes needless. */
const removesBranches: Scene = (victim) =>
  onStage(house, PLAIN, async (stage) => {
    const { fleet } = stage;
    const { exitCode, stderr } = await house.update(fleet.checkout, '--time-zone', 'Etc/GMT+12');
    assert.equal(exitCode, 0, stderr);
    await fleet.moveInput('alpha');
    const twice = PLAIN.hosts.flatMap(({ name }) => [`package ${name}`, `system ${name}`]).flatMap((one) => [one, one]);
    await dyingAt('removeBranches', victim, async () => {
      const running = stage.update('--remove-old-branches', '--time-zone', 'Etc/GMT-14');
      await assertAsIfNothingHappened(stage, running, ntfy, { builds: twice });
    });
  });

/** The update is proposed on a forge, which has one request and each status once. */
const proposes =
  (activity: string): Scene =>
  (victim) =>
    onStage(house, PLAIN, async (stage) => {
      const forge = await forgeOf(stage);
      await dyingAt(activity, victim, async () => {
        const report = await assertAsIfNothingHappened(stage, stage.update(...forge.flags), ntfy);
        const { pulls, labels, statuses } = forge.state();
        assert.deepEqual(
          [pulls.map(({ number }) => number), labels.length, statuses.map(({ context }) => context).sort()],
          [[report.landed?.request?.number], 1, ['lockkeeper', 'lockkeeper/athena', 'lockkeeper/rhea']],
        );
      });
    });

/** The request is merged by Lockkeeper. */
const mergesRequest: Scene = (victim) =>
  onStage(house, PLAIN, async (stage) => {
    const forge = await forgeOf(stage);
    await dyingAt('followRequest', victim, async () => {
      const running = stage.update(...forge.flags, '--merge', 'self');
      const { head, landed } = await assertAsIfNothingHappened(stage, running, ntfy);
      assert.deepEqual(landed?.merged, { by: 'keeper', commit: head, asVerified: true });
    });
    const { main, 'bot/flake-update': branch } = await stage.fleet.branches();
    assert.equal(main, branch);
  });

/** A request of an earlier run is open, and somebody updates main by hand. */
const closesRequest: Scene = (victim) =>
  onStage(house, PLAIN, async (stage) => {
    const { fleet } = stage;
    const forge = await forgeOf(stage);
    assert.equal(await stage.update(...forge.flags).ended, 0);
    await fleet.pushUpdate(Object.keys(fleet.inputs));
    await dyingAt('closeRequests', victim, async () => {
      const running = stage.update(...forge.flags);
      assert.equal(await running.ended, 2, running.output());
    });
    const { pulls, comments } = forge.state();
    assert.deepEqual([pulls.map(({ state }) => state), comments.length], [['closed'], 1]);
  });

interface StageForge extends StandInForge {
  readonly flags: readonly string[];
}

/** A forge of a stage's repository, until the end of all tests. */
async function forgeOf({ fleet, house: { root } }: Stage): Promise<StageForge> {
  const repository = nameOnForge(fleet.remote);
  const headOf = async (branch: string): Promise<string> => (await fleet.branches())[branch] ?? '';
  const merge = (branch: string): Promise<unknown> =>
    git(fleet.remote, 'update-ref', 'refs/heads/main', `refs/heads/${branch}`);
  const forge = await withStandInForge(wholeFile, repository, headOf, merge);
  const tokenFile = join(root, 'forge-token');
  await writeFile(tokenFile, forge.token, { mode: 0o600 });
  const where = ['--forge-kind', 'gitea', '--forge-url', forge.url, '--forge-token-file', tokenFile];
  return { ...forge, flags: ['--land', 'pull-request', '--label', 'nix', ...where] };
}

/** How a run comes to activities that a plain one on one machine does not come to. */
const SCENES: Readonly<Record<string, Scene>> = {
  carryOver: mainMoves,
  findComparison: compares,
  knownVerdicts: verifies('knownVerdicts'),
  lookAtMain: watchesMain,
  moveChannels: verifies('moveChannels'),
  runGate: gated,
  uploadClosure: uploaded,
  planBuilds: limited,
  groupInputs: holdsBack('groupInputs'),
  composeCandidate: holdsBack('composeCandidate'),
  findInPlan: holdsBack('findInPlan'),
  attemptFix: fixes('attemptFix'),
  applyFix: fixes('applyFix'),
  answer: slow('answer'),
  stay: slow('stay'),
  attachBuild: diesTwice,
  whoHolds: asksWhoHolds,
  makeWay: givesWay,
  recordEnd: counted,
  findOverdue: watched,
  lookAtChannels: watchesChannels('lookAtChannels'),
  channelsTold: watchesChannels('channelsTold'),
  forgetRun: builtElsewhere,
  readLog: logIsRead,
  removeBranches: removesBranches,
  findRequests: proposes('findRequests'),
  propose: proposes('propose'),
  setStatuses: proposes('setStatuses'),
  followRequest: mergesRequest,
  closeRequests: closesRequest,
};

/** Activities that no run of this version comes to: they serve runs that an earlier one began (see test/replay). */
const RETIRED = ['countPollers'];

const WAITS: Readonly<Record<string, Scene>> = {
  'waiting for approval': waitsForApproval,
  'waiting for the repository': waitsForRepository,
  'waiting for a worker of a system': waitsForSystem,
  'waiting to try a build again': waitsForRetry,
  'building what is replaced': buildsBase,
};

const register = createActivities({ state: stateDirectory('/nonexistent'), machine: 'none', hostName: 'none' });
const activities = Object.values(register)
  .flatMap((group: object) => Object.keys(group))
  .filter((activity) => !RETIRED.includes(activity));
const ROWS: readonly (readonly [place: string, play: Scene])[] = [
  ...activities.map((activity) => [`at ${activity}`, SCENES[activity] ?? plain(activity)] as const),
  ...Object.entries(WAITS),
];
const CELLS = ROWS.flatMap(([place, play]) => VICTIMS.map((victim) => ({ name: `${victim} ${place}`, victim, play })));

const FEW = [
  'server at commitCandidate',
  'worker at evaluateTarget',
  'both at buildTarget',
  'worker at land',
  'both at propose',
  'server at notify',
  'both waiting for approval',
  'worker waiting for the repository',
];
const played = FULL ? CELLS : CELLS.filter(({ name }) => FEW.includes(name));

describe('killed at any moment, a run ends as if nothing had happened', { skip: ntfyMissing }, () => {
  test('every activity is one that a plain run comes to, or has a scene', async () => {
    await mkdir(house.state.tasks, { recursive: true, mode: 0o700 });
    const held = new Set<string>(Object.keys(SCENES));
    const watcher = watch(house.state.tasks, (_, file) => held.add(file?.split('-')[0] ?? ''));
    try {
      await onStage(house, PLAIN, async (stage) => {
        await assertAsIfNothingHappened(stage, stage.update(), ntfy);
      });
    } finally {
      watcher.close();
    }
    assert.deepEqual(
      activities.filter((activity) => !held.has(activity)),
      [],
    );
  });

  for (const { name, victim, play } of played) test(name, () => play(victim));
  if (!FULL)
    test(`${CELLS.length - played.length} cells more`, { skip: 'npm run test:full plays them' }, () => undefined);
});
