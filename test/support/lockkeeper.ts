import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { run } from '../../activities/command/process.js';
import type { Finished } from '../../activities/command/process.js';
import { identify, isAlive, killTree } from '../../host/processes.js';
import type { Report } from '../../model/report/data.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import type { ServerRecord, StateDirectory, WorkerRecord } from '../../model/machine/state-directory.js';
import { atEndOf, type Scope } from './scope.js';

const command = fileURLToPath(new URL('../../../bin/lockkeeper', import.meta.url));

/** The real command with a state directory, an embedded server and a worker of its own. */
export interface House {
  readonly root: string;
  readonly state: StateDirectory;
  /** Runs `lockkeeper ARGS` to its end. */
  lockkeeper(args: readonly string[], options?: CommandOptions): Promise<Finished>;
  /** Starts `lockkeeper ARGS` and leaves it running. */
  start(args: readonly string[], options?: CommandOptions): Running;
  /** Runs `lockkeeper ARGS --json` to its end, and gives what it printed. @param exitStatus that it has to end with */
  json<T>(args: readonly string[], exitStatus?: number): Promise<T>;
  /** `lockkeeper update FLAKE --json ARGS`: exit status and report. */
  update(flake: string, ...args: string[]): Promise<Updated>;
  /** Starts `lockkeeper dev` and waits until its worker is ready. */
  dev(...args: string[]): Promise<Running>;
  worker(): Promise<WorkerRecord>;
  server(): Promise<ServerRecord>;
  /** Ends everything that was started here, and removes the folder. */
  close(): Promise<void>;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly output: () => string;
  readonly stdout: () => string;
  /** Resolves with the exit status, or the signal's name. */
  readonly ended: Promise<number | string>;
  /** Waits for the end of a command with `--json`, and gives its report. @param exitStatus that it has to end with */
  report(exitStatus?: number): Promise<Report>;
}

export interface Updated extends Finished {
  readonly report: Report;
}

export interface HouseOptions {
  /** Where its folder is made; default: the folder for temporary files. */
  readonly parent?: string;
  /** Name of the state directory's folder. */
  readonly state?: string;
  /** Words that start its commands, for example as another user; default: none. */
  readonly startedBy?: readonly string[];
}

/** Opens a house that is closed at the end of a scope. */
export async function withHouse(scope: Scope, about: HouseOptions = {}): Promise<House> {
  const house = await openHouse(about);
  atEndOf(scope, () => house.close());
  return house;
}

export async function openHouse(about: HouseOptions = {}): Promise<House> {
  const root = await mkdtemp(join(about.parent ?? tmpdir(), 'lockkeeper-house-'));
  const state = stateDirectory(join(root, about.state ?? 'state'));
  const started: Running[] = [];
  const environment = (options: CommandOptions): Record<string, string | undefined> => ({
    ...process.env,
    TEMPORAL_ADDRESS: undefined,
    LOCKKEEPER_STATE_DIR: state.root,
    GIT_CONFIG_GLOBAL: '/dev/null',
    NO_COLOR: '1',
    CI: undefined,
    ...options.env,
  });

  const house: House = {
    root,
    state,
    lockkeeper: (args, options = {}) =>
      run(command, args, {
        env: environment(options),
        timeoutMs: options.timeoutMs ?? 120_000,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      }),
    start: (args, options = {}) => {
      const [program = command, ...words] = [...(about.startedBy ?? []), command, ...args];
      const child = spawn(program, words, { env: environment(options), cwd: options.cwd, detached: true });
      let output = '';
      let stdout = '';
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString();
        stdout += data.toString();
      });
      child.stderr.on('data', (data: Buffer) => (output += data.toString()));
      const ended = new Promise<number | string>((resolve) => {
        child.once('exit', (code, signal) => {
          resolve(code ?? signal ?? -1);
        });
      });
      const running: Running = {
        child,
        pid: child.pid ?? 0,
        output: () => output,
        stdout: () => stdout,
        ended,
        report: async (exitStatus = 0) => {
          assert.equal(await ended, exitStatus, output);
          return JSON.parse(stdout) as Report;
        },
      };
      started.push(running);
      return running;
    },
    json: async <T>(args: readonly string[], exitStatus = 0) => {
      const { exitCode, stdout, stderr } = await house.lockkeeper([...args, '--json']);
      assert.equal(exitCode, exitStatus, stderr);
      return JSON.parse(stdout) as T;
    },
    update: async (flake, ...args) => {
      const finished = await house.lockkeeper(['update', flake, '--json', ...args]);
      try {
        return { ...finished, report: JSON.parse(finished.stdout) as Report };
      } catch {
        throw new Error(`lockkeeper update printed no report (exit ${String(finished.exitCode)}): ${finished.stderr}`);
      }
    },
    dev: async (...args) => {
      const running = house.start(['dev', ...args]);
      await until(
        async () => {
          if (running.child.exitCode !== null) throw new Error(`lockkeeper dev ended: ${running.output()}`);
          const record = await readRecord<WorkerRecord>(state.worker);
          return record?.ready === true && (await isAlive(record));
        },
        120_000,
        () => `lockkeeper dev is not ready: ${running.output()}`,
      );
      return running;
    },
    worker: () => demand<WorkerRecord>(state.worker),
    server: () => demand<ServerRecord>(state.serverRecord),
    close: async () => {
      for (const { child, pid } of started)
        if (child.exitCode === null && child.signalCode === null) await end(pid, 3000);
      for (const file of [state.worker, state.serverRecord]) {
        const record = await readRecord<WorkerRecord & ServerRecord>(file);
        for (const identity of [record, record?.keeper, record?.server])
          if (identity?.pid !== undefined && (await isAlive(identity))) await end(identity.pid, 3000);
      }
      await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
  return house;
}

/** The environment of a command or worker elsewhere that takes part in what the server of a house has to do. */
export const reaching = async (
  house: House,
): Promise<Record<'TEMPORAL_ADDRESS' | 'LOCKKEEPER_RUN_KEY_FILE', string>> => ({
  TEMPORAL_ADDRESS: (await house.server()).address,
  LOCKKEEPER_RUN_KEY_FILE: house.state.runKey,
});

async function end(pid: number, graceMs: number): Promise<void> {
  const identity = await identify(pid);
  if (identity !== null) await killTree(identity, graceMs);
}

async function readRecord<T>(file: string): Promise<T | null> {
  const text = await readFile(file, 'utf8').catch(() => '');
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}

async function demand<T>(file: string): Promise<T> {
  const record = await readRecord<T>(file);
  if (record === null) throw new Error(`${file} holds no record`);
  return record;
}

/** Waits until something is true, looking ten times a second. */
export async function until(
  check: () => Promise<boolean> | boolean,
  timeoutMs: number,
  complaint: () => string = () => `not within ${timeoutMs} ms`,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(complaint());
    await sleep(100);
  }
}
