import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { TARGET_DONE } from '../../model/run/messages.js';
import { COORDINATOR_QUEUE } from '../../model/run/queues.js';
import type { Report } from '../../model/report/data.js';
import { createActivities } from '../../workers/activities.js';
import { BUILT_OUTSIDE, writeAgent } from '../support/agent.js';
import { withFleet, withMovedFleet } from '../support/fleet.js';
import { until, withHouse, type House, type Running } from '../support/lockkeeper.js';
import { ownProof, withServedHouse } from '../support/runs.js';
import { withStandIn } from '../support/stand-in.js';
import { runningCommands } from '../support/processes.js';
import { withTarball } from '../support/tarball-server.js';

/** `status`, the command that follows the run, and `doctor` show what is wrong and the way out. */
async function assertShown(house: House, running: Running, run: string, wayOut: RegExp): Promise<void> {
  let status = '';
  await until(
    async () => {
      const { stdout, stderr } = await house.lockkeeper(['status', run]);
      // Long lines are folded.
      status = (stdout + stderr).replaceAll(/\s+/g, ' ');
      return wayOut.test(status);
    },
    60_000,
    () => status,
  );
  await until(
    () => wayOut.test(running.output()),
    60_000,
    () => running.output(),
  );
  const doctor = await house.lockkeeper(['doctor']);
  assert.equal(doctor.exitCode, 1);
  assert.match(doctor.stdout, new RegExp(`run ${run}.*keeps failing`, 's'));
}

test('a run whose workflow task keeps failing is shown as such by status, watch and doctor, with the way out', async (t) => {
  const { house, client } = await withServedHouse(t, ...[]);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await fleet.moveInput('alpha');
  const running = house.start(['update', fleet.checkout, '--approve']);
  await until(
    () => running.output().includes('waits for approval'),
    60_000,
    () => running.output(),
  );
  const run = /Run (\S+)/.exec(running.output())?.[1] ?? '';
  const handle = client.workflow.getHandle(run);
  // A message that this version cannot read, as one of another version would be.
  const [proof] = client.options.loadedDataConverter.payloadCodecs;
  const unreadable = { metadata: { encoding: Buffer.from('binary/other') }, data: Buffer.from('?') };
  const payloads = await proof?.encode([unreadable], { type: 'workflow', namespace: 'default', workflowId: run });
  await client.workflowService.signalWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: run },
    signalName: TARGET_DONE,
    input: { payloads: payloads ?? [] },
  });
  const command = `temporal workflow terminate --address \\S+ --namespace default -w ${run}"`;
  await assertShown(house, running, run, new RegExp(`the run's workflow task keeps failing.*${command}`, 's'));
  await handle.terminate('as it was told');
  assert.equal(await running.ended, 1);
});

test('a verification that no worker knows is shown in the same way, and ending it as told ends the run with a report', async (t) => {
  const { house, client } = await withServedHouse(t, ...['--roles', 'builder']);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await fleet.moveInput('alpha');
  await besideAnotherVersion(house, async () => {
    const running = house.start(['update', fleet.checkout]);
    await until(
      () => running.output().includes('verifying'),
      60_000,
      () => running.output(),
    );
    const run = /Run (\S+)/.exec(running.output())?.[1] ?? '';
    const child = `${run}-verify-[0-9a-f]{12}-1`;
    const command = `temporal workflow terminate --address \\S+ --namespace default -w (${child})"`;
    const wayOut = new RegExp(
      `works for the run, and its workflow task keeps failing.*verifyCandidate.*${command}`,
      's',
    );
    await assertShown(house, running, run, wayOut);
    await client.workflow.getHandle(wayOut.exec(running.output())?.[1] ?? '').terminate('as it was told');
    assert.equal(await running.ended, 1, running.output());
    const { stdout } = await house.lockkeeper(['report', run, '--format', 'json']);
    assert.equal((JSON.parse(stdout) as Report).outcome, 'failed');
  });
});

test('a run that a child keeps from ending is ended by a second cancellation, with that child', async (t) => {
  const { house, client } = await withServedHouse(t, ...['--roles', 'builder']);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await fleet.moveInput('alpha');
  await besideAnotherVersion(house, async () => {
    const running = house.start(['update', fleet.checkout]);
    await until(() => running.output().includes('verifying'), 60_000, running.output);
    const run = /Run (\S+)/.exec(running.output())?.[1] ?? '';
    const first = await house.lockkeeper(['cancel', run]);
    assert.equal(first.exitCode, 1, first.stdout);
    assert.match(first.stderr, new RegExp(`"lockkeeper cancel ${run}" once more ends it by force`));
    const second = await house.lockkeeper(['cancel', run]);
    assert.equal(second.exitCode, 0, second.stderr);
    assert.match(second.stdout, /^Ended \S+ by force: it has no report/);
    assert.notEqual(await running.ended, 0);
    await until(async () => {
      const left: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query: 'ExecutionStatus = "Running"' }))
        left.push(workflowId);
      return !left.some((workflow) => workflow.startsWith(run) || workflow.startsWith('lockkeeper-repository'));
    }, 30_000);
  });
});

test('a run whose worker is gone ends by a second cancellation where no worker can be started', async (t) => {
  const house = await withHouse(t);
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] }, ['alpha']);
  const running = house.start(['update', fleet.checkout, '--approve']);
  await until(() => /Run \S+[^]*waits for approval/.test(running.output()), 60_000, running.output);
  const run = /Run (\S+)/.exec(running.output())?.[1] ?? '';
  running.child.kill('SIGKILL');
  process.kill((await house.worker()).pid, 'SIGKILL');
  const log = path.join(house.state.root, 'worker.log');
  await rm(log);
  await mkdir(log);
  const first = await house.lockkeeper(['cancel', run]);
  assert.equal(first.exitCode, 1, first.stdout);
  assert.match(
    first.stderr,
    /no worker can be started that does it: .*"lockkeeper cancel \S+" once more ends it by force/,
  );
  const second = await house.lockkeeper(['cancel', run]);
  assert.equal(second.exitCode, 0, second.stderr);
  assert.match(second.stdout, /^Ended \S+ by force/);
});

test('a run whose report cannot be written ends all the same, and soon', async (t) => {
  const { house } = await withServedHouse(t, ...[]);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await fleet.moveInput('alpha');
  const running = house.start(['update', fleet.checkout, '--approve']);
  await until(() => running.output().includes('waits for approval'), 60_000, running.output);
  await rm(house.state.reports, { recursive: true, force: true });
  await writeFile(house.state.reports, 'no folder\n');
  const cancelled = await house.lockkeeper(['cancel', 'latest']);
  assert.equal(cancelled.exitCode, 0, cancelled.stderr);
  await running.ended;
});

test('a remote that never answers is named by the live view, status and server; a worker that stands still is named by cancel, and keeps no run', async (t) => {
  const { house, client } = await withServedHouse(t);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const folder = path.join(fleet.root, 'slow');
  await mkdir(folder);
  await writeFile(path.join(folder, 'file'), 'x\n');
  const server = await withTarball(t, folder);
  const flake = await fleet.show('main', 'flake.nix');
  await fleet.pushToMain({
    'flake.nix': flake.replace(/inputs\s*=\s*\{/, `$&\n    slow = { url = "${server.url}"; flake = false; };`),
  });
  await fleet.pushUpdate(['slow']);
  server.fallSilent();

  const running = house.start(['update', fleet.checkout]);
  await until(() => running.output().includes('updating flake.lock'), 60_000, running.output);
  const began = Date.now();
  const waits = 'waits for 127.0.0.1 (slow)';
  await until(() => running.output().includes(waits), 20_000, running.output);
  assert.ok(Date.now() - began < 10_000, `${Date.now() - began} ms`);
  const { stdout } = await house.lockkeeper(['status', 'latest']);
  assert.ok(stdout.includes(waits), stdout);
  const run = /Run (\S+)/.exec(running.output())?.[1] ?? '';
  const { raw } = await client.workflow.getHandle(run).describe();
  const beats = (raw.pendingActivities ?? []).map(({ heartbeatDetails }) =>
    Buffer.from(heartbeatDetails?.payloads?.[0]?.data ?? []).toString(),
  );
  assert.match(beats.join('\n'), /"waitsFor":"127\.0\.0\.1 \(slow\)"/, 'as Temporal’s UI shows it');

  const { pid } = await house.worker();
  process.kill(pid, 'SIGSTOP');
  try {
    const first = await house.lockkeeper(['cancel', run]);
    assert.equal(first.exitCode, 1, first.stdout);
    const standing = new RegExp(`pid ${pid} stands still.*"kill -CONT ${pid}" lets it go on`);
    assert.match(first.stderr.split('\n').find((line) => line.includes('has not ended yet')) ?? '', standing);
    const second = await house.lockkeeper(['cancel', run]);
    assert.equal(second.exitCode, 0, second.stderr);
    assert.match(second.stdout, /^Ended \S+ by force/);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await running.ended;
  await until(
    async () => (await runningCommands()).every(({ words }) => !words.join(' ').includes(fleet.root)),
    20_000,
  );
});

/** The real one, but for what it is asked about hosts. */
const NO_DAEMON = `case "$*" in *--version*) exec nix-instantiate "$@" ;; esac
echo "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Connection refused" >&2
exit 1`;

test('a step of a verification that the machine keeps failing shows in status, watch and doctor, with its tries', async (t) => {
  const fleet = await withMovedFleet(t, { hosts: [{ name: 'athena' }] }, ['alpha']);
  await withStandIn('nix-instantiate', NO_DAEMON, async () => {
    const { house } = await withServedHouse(t);
    const running = house.start(['update', fleet.checkout]);
    const told = /was not evaluated: the Nix daemon cannot be reached.*tried again: attempt \d+ of 8\)/s;
    await until(() => told.test(running.output().replaceAll(/\s+/g, ' ')), 60_000, running.output);
    const run = /Run (\S+)/.exec(running.output())?.[1] ?? '';
    for (const command of [['status', run], ['doctor']]) {
      const { stdout, stderr } = await house.lockkeeper(command);
      assert.match((stdout + stderr).replaceAll(/\s+/g, ' '), told, command.join(' '));
    }
  });
});

test('evaluations, builds, agents and gates that stand still go on', async (t) => {
  const hosts = [{ name: 'athena', brokenBy: [['alpha']] }];
  const fleet = await withMovedFleet(t, { hosts }, ['alpha']);
  const stopped = path.join(fleet.root, 'stopped');
  await mkdir(stopped);
  const script = `mkdir "${stopped}/\${0##*/}" 2>/dev/null && kill -STOP $$; exec "\${0##*/}" "$@"`;
  await withStandIn('nix-instantiate', script, () =>
    withStandIn('nix-store', script, async () => {
      const { house } = await withServedHouse(t);
      const agent = await writeAgent(house.root);
      const fixing = ['--autofix', agent, '--autofix-arg', 'stop', '--autofix-arg', 'fix', ...BUILT_OUTSIDE];
      const gate = ['--gate', 'stops=sh -c "kill -STOP $$; true"'];
      const { exitCode, report, stderr } = await house.update(fleet.checkout, ...fixing, ...gate);
      assert.equal(exitCode, 0, stderr);
      assert.equal(report.fixes[0]?.attempts.at(-1)?.outcome, 'mended');
      assert.deepEqual((await readdir(stopped)).sort(), ['nix-instantiate', 'nix-store']);
    }),
  );
});

/** Runs something beside a coordinator of another version. */
async function besideAnotherVersion(house: House, body: () => Promise<void>): Promise<void> {
  const workflowsPath = fileURLToPath(new URL('../support/workflows-without-verification.js', import.meta.url));
  const workflowBundle = await bundleWorkflowCode({ workflowsPath });
  const connection = await NativeConnection.connect({ address: (await house.server()).address });
  try {
    const { machine } = await house.worker();
    const { coordinator } = createActivities({ state: house.state, machine, hostName: 'elsewhere' });
    const worker = await Worker.create({
      connection,
      dataConverter: await ownProof(house),
      workflowBundle,
      taskQueue: COORDINATOR_QUEUE,
      activities: coordinator,
    });
    await worker.runUntil(body);
  } finally {
    await connection.close();
  }
}
