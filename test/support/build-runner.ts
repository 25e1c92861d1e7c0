import { spawn, type ChildProcess } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityEnvironment } from '../../activities/environment.js';
import { installBundle } from '../../activities/git/install-commit.js';
import { createBuildTarget } from '../../activities/nix/build/build-target.js';
import { createEvaluateTarget } from '../../activities/nix/evaluate/evaluate-target.js';
import { listRecords, readIdentity, recordAt, type CommandRecord } from '../../activities/supervised/record.js';
import { endCommand } from '../../activities/supervised/session.js';
import type { BuildHeartbeat, BuildTargetInput, EvaluateTargetInput } from '../../model/contract/verification.js';
import { recordDirectory } from '../../model/machine/record-directory.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import type { Evaluation, Verdict } from '../../model/verify/verdict.js';
import { withFleet, type Fleet, type FleetOptions } from './fleet.js';
import { git } from './git.js';
import { atEndOf, type Scope, withFolder } from './scope.js';

/** A fleet, a state directory, and the evaluated input of a build of each host: what tests of builds start from. */
export interface BuildFixture {
  readonly fleet: Fleet;
  readonly env: ActivityEnvironment;
  /** Evaluates a host, as the activity before a build does. */
  evaluated(host: string, change?: Partial<BuildTargetInput>): Promise<BuildTargetInput>;
  recordOf(input: BuildTargetInput): CommandRecord;
  /** Starts `buildTarget` in a process of its own, which can be killed. */
  inProcess(input: BuildTargetInput): Promise<ChildProcess>;
}

/** Opens such a fixture until the end of a scope. */
export async function withBuildFixture(scope: Scope, options: FleetOptions): Promise<BuildFixture> {
  const fleet = await withFleet(scope, options);
  const root = await withFolder(scope);
  const env: ActivityEnvironment = { state: stateDirectory(root), machine: 'test-machine', hostName: 'test-host' };
  const head = await git(fleet.remote, 'rev-parse', 'main');
  const children: ChildProcess[] = [];
  atEndOf(scope, async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const { record } of await listRecords(env.state)) await endCommand(record);
  });
  const recordOf = (input: BuildTargetInput): CommandRecord =>
    recordAt(recordDirectory(env.state, input.run, input.candidate.head, input.target));
  return {
    fleet,
    env,
    recordOf,
    async evaluated(host, change = {}) {
      const source = {
        repository: {
          url: fleet.remote,
          displayUrl: fleet.remote,
          checkout: null,
          local: false,
          mainBranch: 'main',
          dir: '',
          transport: { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: null },
        },
        candidate: { base: head, head, bundle: '' },
        target: { kind: 'nixos', name: host },
        nix: { options: [], impure: false, acceptFlakeConfig: false },
        run: 'run-1',
      } as const;
      await installBundle(env, source);
      const evaluate = createEvaluateTarget(env);
      const evaluation = await new MockActivityEnvironment().run<[EvaluateTargetInput], Evaluation, typeof evaluate>(
        evaluate,
        source,
      );
      if (evaluation.kind === 'failed') throw new Error(evaluation.verdict.logTail ?? 'evaluation failed');
      return { ...source, evaluation, takeoverSeconds: 60, ...change };
    },
    async inProcess(input) {
      const script = fileURLToPath(new URL('build-process.js', import.meta.url));
      const child = spawn(process.execPath, [script, root, JSON.stringify(input)], { stdio: 'inherit' });
      children.push(child);
      await until(async () => (await readIdentity(recordOf(input))) !== null);
      return child;
    },
  };
}

/** An attempt at `buildTarget` in this process. */
export interface Attempt {
  readonly verdict: Promise<Verdict>;
  readonly beats: readonly BuildHeartbeat[];
  readonly environment: MockActivityEnvironment;
}

export function attempt(
  env: ActivityEnvironment,
  input: BuildTargetInput,
  info: ConstructorParameters<typeof MockActivityEnvironment>[0] = {},
): Attempt {
  const environment = new MockActivityEnvironment(info);
  const beats: BuildHeartbeat[] = [];
  environment.on('heartbeat', (beat: BuildHeartbeat) => beats.push(beat));
  const build = createBuildTarget(env);
  const verdict = environment.run<[BuildTargetInput], Verdict, typeof build>(build, input);
  // Tests await it when they are ready to; until then it may be rejected.
  verdict.catch(() => undefined);
  return { verdict, beats, environment };
}

/** Waits until something holds, at most 20 seconds. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within 20 s: ${holds.toString()}`);
    await sleep(20);
  }
}

export const linkTarget = (file: string): Promise<string | null> => readlink(file).catch(() => null);
