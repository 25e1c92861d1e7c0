import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Client } from '@temporalio/client';
import { Worker, type Logger, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import type { ActivityEnvironment } from '../activities/environment.js';
import { ownIdentity } from '../host/processes.js';
import { sweepWorkTrees } from '../activities/git/mirror.js';
import { createForgetRun } from '../activities/nix/builds.js';
import { sweep } from '../activities/supervised/sweep.js';
import {
  AGENT_QUEUE,
  COORDINATOR_QUEUE,
  EVALUATE_QUEUE,
  GATES,
  GATE_QUEUE,
  buildQueue,
  machineQueue,
  presenceQueue,
  queueOf,
} from '../model/run/queues.js';
import type { MachineLock } from '../host/machine-lock.js';
import { payloadProof } from '../host/payload-proof.js';
import { ownRunKey, readRunKey, type RunKey } from '../host/secrets/run-key.js';
import type { StateDirectory, WorkerRecord } from '../model/machine/state-directory.js';
import { createActivities } from './activities.js';
import { stopWhenUnneeded } from './attendance.js';
import { acceptedBeforeKey } from './before-key.js';
import { guardServer } from '../host/embedded-server.js';
import { connect, findServer, type ServerAddress } from './connection.js';
import { claim, rivalFault } from './exclusive.js';
import { writeWhole } from '../host/files.js';
import { deliver } from '../host/hooks/deliver.js';
import { serveHooks, type HookServer } from '../host/hooks/serve.js';
import { PrivateFileFault } from '../host/secrets/private-file.js';
import { serveHealth } from './health.js';
import { giveBackTasks, keepTasks, type KeptTasks } from './kept-tasks.js';
import { installLogging } from './log.js';
import { nixSystems } from './nix-systems.js';
import type { WorkerCommandOptions } from './options.js';
import { pause } from '../host/pause.js';
import { pruneRegularly } from './prune/regularly.js';
import { createSearchAttributes } from './search-attributes.js';
import { announceProcess } from '../host/client-processes.js';
import { machineId, openStateDirectory } from '../host/state-directory.js';
import { version } from '../host/installation.js';

/** Minutes between two looks for builds that nobody waits for any more. */
const SWEEP_MINUTES = 10;
/** Agents at once: they wait for their models more than they work. */
const AGENT_SLOTS = 4;

/**
 * Keeps the heaps of this process close to what they hold. V8 lets a heap grow to several times that before it collects, in this thread
 * and in that of the workflows: on a builder this memory is better left to builds.
 * To be called before the thread of the workflows begins.
 */
function boundHeaps(): void {
  setFlagsFromString('--heap-growing-percent=40');
  // In MiB, of new objects; a heap has up to three times as much for them.
  setFlagsFromString('--max-semi-space-size=4');
}

/** Serves this machine's task queues until asked to stop: a Temporal worker each, because slots belong to a worker. */
export async function runWorker(
  options: WorkerCommandOptions,
  announce: (server: ServerAddress) => void,
): Promise<void> {
  boundHeaps();
  const log = installLogging(
    options.logFormat,
    'INFO',
    options.metricsPort === null ? null : `127.0.0.1:${options.metricsPort}`,
  );
  // What is wrong with it is said at once, and not when a server has answered.
  const named = options.runKeyFile === null ? null : await readRunKey(options.runKeyFile);
  const state = await openStateDirectory(options.stateDir);
  const claimed = await claim(state, 'worker');
  if (claimed.kind === 'taken') throw new Error(rivalFault('worker', options.stateDir, claimed));
  const stop = stopSignal(options.attended);
  await announceProcess(state, 'worker');
  const workers = new Map<string, Worker>();
  const health = options.healthPort === null ? null : await serveHealth(options.healthPort, workers);
  const [begun, systems, machine] = await Promise.all([
    unlessStopped(
      findServer(state).then(async (found) => [found, await connect(found)] as const),
      stop.signal,
    ),
    options.systems ?? nixSystems(),
    machineId(state),
  ]);
  if (begun === null) {
    log.info('asked to stop before a server answered');
    return;
  }
  const [server, connection] = begun;
  const proof = await proofFor(named, server, connection, state);
  const client = new Client({ connection, namespace: server.namespace, ...proof });
  const searchAttributes = await createSearchAttributes(client, (text) => {
    log.warn(text);
  });
  const { allowedCommands } = options;
  const env: ActivityEnvironment = {
    ...{ state, machine, hostName: hostname(), searchAttributes, allowedCommands },
    secretFiles: [...server.secretFiles, options.runKeyFile, options.hooks?.secretFile ?? null].filter(
      (file) => file !== null,
    ),
  };
  const kept: KeptTasks = { folder: state.tasks, machine };

  await sweepWorkTrees(env);
  for (const [queue, worker] of await createWorkers({ connection, server, options, systems, env, kept, proof }))
    workers.set(queue, worker);
  // Sweeping looks at builds whose run has ended; giving tasks back makes the others be followed again at once.
  await sweep(client, state, createForgetRun(env));
  const returned = await giveBackTasks(client, kept);

  const hooks = await serveHooksOf(options, client, log);
  const running = Promise.all([...workers.values()].map((worker) => worker.run()));
  const record: WorkerRecord = {
    ...(await ownIdentity()),
    machine,
    version: version(),
    address: server.address,
    namespace: server.namespace,
    roles: options.roles,
    userQueue: options.userQueue,
    systems,
    slots: options.slots,
    evaluationSlots: options.evaluationSlots,
    healthUrl: health,
    ready: true,
  };
  await writeWhole(state.worker, JSON.stringify(record));
  log.info('the worker is ready', {
    server: server.address,
    ...(server.uiUrl === null ? {} : { ui: server.uiUrl }),
    queues: [...workers.keys()].join(', '),
    ...(returned === 0 ? {} : { takenUp: returned }),
    ...(health === null ? {} : { health }),
    ...(hooks === null ? {} : { webhooks: hooks.url }),
  });
  announce(server);

  const ended = new AbortController();
  // A connection cannot be led elsewhere.
  const leaveServer = (address: string): void => {
    log.error(`the embedded server moved from ${server.address} to ${address}: this worker stops; start it again`);
    process.exitCode = 1;
    stop.abort();
  };
  const background = [
    ...(server.embedded ? [guardServer(state, server.address, ended.signal, leaveServer)] : []),
    ...(options.attended ? [stopWhenUnneeded(client, server, state, { stop, ended: ended.signal })] : []),
    sweepRegularly(client, env, ended.signal),
    watchLock(claimed.lock, ended.signal, () => {
      log.error(`the state directory ${options.stateDir} was removed or made anew: this worker stops`);
      stop.abort();
    }),
  ];
  // Not waited for at the end: Git may collect for minutes, and cleaning up can stop anywhere.
  void pruneRegularly(client, env, log, ended.signal);
  const shutDown = (): void => {
    if (hooks !== null) background.push(hooks.close());
    log.info('the worker stops; builds that run are picked up by the next one');
    for (const worker of workers.values()) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  stop.signal.addEventListener('abort', shutDown);
  // It may have been asked to stop while it was starting.
  if (stop.signal.aborted) shutDown();
  await running.finally(() => {
    ended.abort();
  });
  await Promise.all(background);
  await writeWhole(state.worker, JSON.stringify({ ...record, ready: false }));
  await connection.close();
}

/** Listens for webhooks, where the worker is to: `null` where it is not. */
async function serveHooksOf({ hooks }: WorkerCommandOptions, client: Client, log: Logger): Promise<HookServer | null> {
  if (hooks === null) return null;
  try {
    return await serveHooks({
      ...hooks,
      deliver: (event) => deliver(client, event),
      log: (text) => {
        log.info(`webhook: ${text}`);
      },
    });
  } catch (error) {
    if (!(error instanceof PrivateFileFault)) throw error;
    throw new Error(`--hook-secret-file ${hooks.secretFile} ${error.message}`, { cause: error });
  }
}

interface Parts {
  readonly connection: NativeConnection;
  readonly server: ServerAddress;
  readonly options: WorkerCommandOptions;
  readonly systems: readonly string[];
  readonly env: ActivityEnvironment;
  readonly kept: KeptTasks;
  readonly proof: Proof;
}

type Proof = Pick<WorkerOptions, 'dataConverter'>;

/** How this worker knows what is meant for it: nothing is asked of who may use a server elsewhere, unless a key is named. */
async function proofFor(
  named: RunKey | null,
  { embedded, namespace }: ServerAddress,
  connection: NativeConnection,
  state: StateDirectory,
): Promise<Proof> {
  if (named !== null) return { dataConverter: { payloadCodecs: [payloadProof(named)] } };
  if (!embedded) return {};
  const key = await ownRunKey(state);
  const accepted = await acceptedBeforeKey(new Client({ connection, namespace }), state);
  return { dataConverter: { payloadCodecs: [payloadProof(key, { accepted })] } };
}

/** One Temporal worker a task queue: see "What runs where" in docs/architecture.md. */
async function createWorkers(parts: Parts): Promise<ReadonlyMap<string, Worker>> {
  const { options, env, kept } = parts;
  const activities = createActivities(env);
  const follows = { activity: [keepTasks(kept, false)] };
  const beats = { activity: [keepTasks(kept, true)] };
  const queues: [string, Partial<WorkerOptions>][] = [];
  if (options.roles.includes('coordinator')) {
    const codePath = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
    const bundle: Partial<WorkerOptions> = { workflowBundle: { codePath }, maxCachedWorkflows: 200 };
    const coordinating = {
      activities: activities.coordinator,
      interceptors: beats,
      maxConcurrentActivityTaskExecutions: 20,
    };
    queues.push([COORDINATOR_QUEUE, { ...bundle, ...coordinating }]);
  }
  const evaluating = { activities: activities.evaluator, interceptors: follows };
  queues.push([EVALUATE_QUEUE, { ...evaluating, maxConcurrentActivityTaskExecutions: options.evaluationSlots }]);
  if (options.roles.includes('builder')) {
    const building = { activities: activities.builder, interceptors: follows };
    const present = { activities: activities.presence, interceptors: beats, maxConcurrentActivityTaskExecutions: 1000 };
    for (const system of parts.systems) {
      queues.push([buildQueue(system), { ...building, maxConcurrentActivityTaskExecutions: options.slots }]);
      queues.push([presenceQueue(system), present]);
    }
    // A flake check needs the memory of an evaluation.
    const gating = { activities: activities.gate, interceptors: follows };
    queues.push([GATE_QUEUE, { ...gating, maxConcurrentActivityTaskExecutions: options.evaluationSlots }]);
    queues.push([presenceQueue(GATES), present]);
  }
  if (options.roles.includes('agent'))
    queues.push([
      AGENT_QUEUE,
      { activities: activities.agent, interceptors: follows, maxConcurrentActivityTaskExecutions: AGENT_SLOTS },
    ]);
  const own = { activities: activities.machine, interceptors: follows };
  queues.push([machineQueue(env.machine), { ...own, maxConcurrentActivityTaskExecutions: 200 }]);
  const created = await Promise.all(
    queues.map(async ([queue, more]) => {
      const taskQueue = queueOf(queue, options.userQueue);
      return [taskQueue, await Worker.create({ ...common(parts), ...more, taskQueue })] as const;
    }),
  );
  return new Map(created);
}

const common = ({ connection, server, proof }: Parts): Omit<WorkerOptions, 'taskQueue'> => ({
  connection,
  namespace: server.namespace,
  ...proof,
  identity: `${String(process.pid)}@${hostname()}`,
  // A dead worker is noticed after five seconds only if a heartbeat is sent each second.
  maxHeartbeatThrottleInterval: '1 second',
  defaultHeartbeatThrottleInterval: '1 second',
  // The default delays the first workflow task after a worker's death by ten seconds.
  stickyQueueScheduleToStartTimeout: '1 second',
  shutdownGraceTime: '500ms',
  shutdownForceTime: '15 seconds',
});

/**
 * Aborts at SIGINT, SIGTERM or SIGHUP; a second one ends the process at once.
 * @param attended by a command: then the end of a terminal is nothing to it
 */
function stopSignal(attended: boolean): AbortController {
  const stop = new AbortController();
  if (attended) process.on('SIGHUP', () => undefined);
  for (const name of ['SIGINT', 'SIGTERM', ...(attended ? [] : (['SIGHUP'] as const))] as const)
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1);
      stop.abort();
    });
  return stop;
}

/** Gives what comes, or `null` as soon as this process is asked to stop: a server may take long to answer. */
async function unlessStopped<T>(coming: Promise<T>, stop: AbortSignal): Promise<T | null> {
  const stopped = new Promise<null>((resolve) => {
    if (stop.aborted) resolve(null);
    stop.addEventListener('abort', () => {
      resolve(null);
    });
  });
  return await Promise.race([coming, stopped]);
}

/** A worker ends when another worker could take its state directory too. */
async function watchLock(lock: MachineLock, ended: AbortSignal, lost: () => void): Promise<void> {
  while (await pause(1000, ended)) {
    if (await lock.isInPlace()) continue;
    lost();
    return;
  }
}

async function sweepRegularly(client: Client, env: ActivityEnvironment, ended: AbortSignal): Promise<void> {
  while (await pause(SWEEP_MINUTES * 60_000, ended))
    await sweep(client, env.state, createForgetRun(env)).catch(() => undefined);
}
