import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createActivities } from '../../workers/activities.js';
import { stateDirectory } from '../../model/state-directory.js';
import type { Report } from '../../model/report.js';
import { createFleet } from '../support/fleet.js';
import type { Fleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { openHouse, until } from '../support/lockkeeper.js';
import type { House, Running } from '../support/lockkeeper.js';
import { ntfyMissing, startNtfy } from '../support/ntfy.js';
import type { NtfyServer } from '../support/ntfy.js';

/**
 * Whatever dies while a run is at one of its activities, the run ends as if nothing had happened: one branch, one message,
 * each derivation built once, nothing left behind. The list of activities is the workers' own, so that a new one is in the
 * matrix by itself. `LOCKKEEPER_TEST_FULL=1` (`npm run test:full`) kills the server and both as well; CI kills the worker.
 */
const VICTIMS =
  process.env.LOCKKEEPER_TEST_FULL === '1' ? (['worker', 'server', 'both'] as const) : (['worker'] as const);
type Victim = (typeof VICTIMS)[number];

/** Activities that a plain run on one machine does not reach; each has a test of its own, named here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  whoHolds: 'test/run/races.test.ts: it only reads',
  countPollers: 'test/replay: only runs that began under 0.1.0 ask',
  answer: 'test/run/builders.test.ts: it does nothing',
  stay: 'test/run/builders.test.ts: its worker is killed',
  carryOver: 'below: main moves',
  groupInputs: 'test/run/hold-back.test.ts: it only reads',
  composeCandidate: 'test/run/hold-back.test.ts: the worker is killed between probes',
  findInPlan: 'test/run/hold-back.test.ts: it only reads',
  applyFix: 'test/run/autofix.test.ts: it makes the same commit again',
  attemptFix: 'test/run/autofix.test.ts: the worker is killed while the agent works',
  attachBuild: 'below: killed again while attached',
  readLog: 'test/workers/worker.test.ts: it only reads',
  forgetRun: 'test/nix/sweep-builds.test.ts: of another machine',
};

const register = createActivities({ state: stateDirectory('/nonexistent'), machine: 'none', hostName: 'none' });
const ACTIVITIES = Object.values(register).flatMap((activities: object) => Object.keys(activities));

let house: House;
let ntfy: NtfyServer;
let fleet: Fleet;

/** Kills, once, as soon as the worker holds a task of this activity. */
function killAt(
  activity: string,
  victim: Victim,
  times = 1,
): { readonly killed: () => number; readonly stop: () => void } {
  let killed = 0;
  const seen = new Set<string>();
  const watcher = watch(house.state.tasks, (_, file) => {
    if (file === null || !file.startsWith(`${activity}-`) || seen.has(file) || killed >= times) return;
    seen.add(file);
    killed += 1;
    void kill(victim);
  });
  return {
    killed: () => killed,
    stop: () => {
      watcher.close();
    },
  };
}

async function kill(victim: Victim): Promise<void> {
  const pids: number[] = [];
  if (victim !== 'server') pids.push((await house.worker()).pid);
  if (victim !== 'worker') {
    const { keeper, server } = await house.server();
    pids.push(keeper.pid, server.pid);
  }
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

async function update(topic: string, ...more: string[]): Promise<Running> {
  const token = join(house.root, 'token');
  await writeFile(token, ntfy.token, { mode: 0o600 });
  const told = ['--ntfy-server', ntfy.url, '--ntfy-topic', topic, '--ntfy-token-file', token];
  return house.start(['update', fleet.checkout, '--json', ...told, ...more]);
}

/** What every cell ends in. */
async function assertAsIfNothingHappened(running: Running, topic: string): Promise<Report> {
  assert.equal(await running.ended, 0, running.output());
  const report = JSON.parse(running.stdout()) as Report;
  assert.equal(report.outcome, 'landed');
  assert.deepEqual(
    report.targets.map(({ name, verdict }) => [name, verdict]),
    [
      ['athena', 'built'],
      ['rhea', 'built'],
    ],
  );
  const { main, ...others } = await fleet.branches();
  if (report.landed?.mode === 'merge') {
    assert.equal(main, report.head);
    assert.deepEqual(others, {});
  } else {
    assert.deepEqual(others, { [report.landed?.ref ?? '']: report.head });
  }
  assert.deepEqual(
    [...(await fleet.builds())].sort(),
    ['package athena', 'package rhea', 'system athena', 'system rhea'],
    'each derivation is built once',
  );
  assert.equal((await ntfy.messages(topic)).length, 1, 'people are told once');
  assert.deepEqual(
    report.notifications.map(({ ok }) => ok),
    [true],
  );
  assert.deepEqual(await readdir(house.state.work), [], 'no work tree is left');
  assert.deepEqual(await git(fleet.checkout, 'status', '--porcelain'), '');
  return report;
}

describe('killed at any moment, a run ends as if nothing had happened', { skip: ntfyMissing }, () => {
  before(async () => {
    house = await openHouse();
    await mkdir(house.state.tasks, { recursive: true, mode: 0o700 });
    ntfy = await startNtfy();
  });
  after(async () => {
    await house.close();
    await ntfy[Symbol.asyncDispose]();
  });

  const cell = async (name: string, body: (topic: string) => Promise<void>): Promise<void> => {
    fleet = await createFleet({ hosts: [{ name: 'athena', seconds: 2 }, { name: 'rhea' }] });
    try {
      await fleet.moveInput('alpha');
      await body(name.replaceAll(/[^A-Za-z]/g, ''));
    } finally {
      await fleet.cleanup();
    }
  };

  for (const victim of VICTIMS) {
    for (const activity of ACTIVITIES) {
      if (activity in ELSEWHERE) continue;
      test(`${victim} at ${activity}`, () =>
        cell(`${victim}-${activity}`, async (topic) => {
          const killer = killAt(activity, victim);
          try {
            const running = await update(topic);
            await assertAsIfNothingHappened(running, topic);
            assert.equal(killer.killed(), 1, 'it was killed there');
          } finally {
            killer.stop();
          }
        }));
    }

    test(`${victim} at carryOver`, () =>
      cell(`${victim}-carryOver`, async (topic) => {
        const killer = killAt('carryOver', victim);
        try {
          const running = await update(topic, '--land', 'merge');
          await until(
            async () => (await fleet.buildsOf('athena')) > 0,
            60_000,
            () => running.output(),
          );
          await fleet.pushToMain({ 'NOTES.md': 'by a colleague\n' });
          await assertAsIfNothingHappened(running, topic);
          assert.equal(killer.killed(), 1, 'it was killed there');
        } finally {
          killer.stop();
        }
      }));

    test(`${victim} at buildTarget, and again at attachBuild`, () =>
      cell(`${victim}-attach`, async (topic) => {
        const killers = [killAt('buildTarget', victim), killAt('attachBuild', victim === 'server' ? 'worker' : victim)];
        try {
          const running = await update(topic);
          await assertAsIfNothingHappened(running, topic);
          assert.equal(killers[0]?.killed(), 1, 'it was killed there');
        } finally {
          for (const killer of killers) killer.stop();
        }
      }));

    test(`${victim} while approval is waited for`, () =>
      cell(`${victim}-approval`, async () => {
        // The request is a message of its own, so this cell tells nobody.
        const running = house.start(['update', fleet.checkout, '--json', '--approve']);
        await until(
          () => running.output().includes('waits for approval'),
          60_000,
          () => running.output(),
        );
        await kill(victim);
        let approved = await house.lockkeeper(['approve', 'latest', '--yes']);
        await until(
          async () => {
            if (approved.exitCode === 0) return true;
            approved = await house.lockkeeper(['approve', 'latest', '--yes']);
            return approved.exitCode === 0;
          },
          30_000,
          () => approved.stderr,
        );
        assert.equal(await running.ended, 0, running.output());
        const report = JSON.parse(running.stdout()) as Report;
        assert.equal((await fleet.branches())[report.landed?.ref ?? ''], report.head);
      }));
  }
});
