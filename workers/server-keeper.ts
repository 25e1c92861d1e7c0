import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Connection, type WorkflowService } from '@temporalio/client';
// eslint-disable-next-line temporal/no-temporal-internal-imports -- nothing public makes a protobuf duration
import { msToTs } from '@temporalio/common/lib/time.js';
import { identify, isAlive, killTree, ownIdentity } from '../host/processes.js';
import { isListeningAt } from '../host/listening.js';
import { SEARCH_ATTRIBUTES } from '../model/run/messages.js';
import { STATE_FORMAT, newerFault } from '../model/machine/state-directory.js';
import type { FormatRecord, ProcessIdentity, ServerRecord, StateDirectory } from '../model/machine/state-directory.js';
import { ownRunKey } from '../host/secrets/run-key.js';
import { claim, rivalFault } from './exclusive.js';
import { readJson, writeWhole } from '../host/files.js';
import { pause } from '../host/pause.js';
import { choosePorts, type ServerPorts } from './server-ports.js';
import { liveClientProcesses } from '../host/client-processes.js';
import { openStateDirectory } from '../host/state-directory.js';
import { findTemporalCli } from './temporal-cli.js';
import { serveUi, type UiGuard } from './ui-guard.js';
import { version } from '../host/installation.js';

/**
 * Keeps the embedded Temporal server of one state directory: starts it on a free port (the last one, if it is still
 * free), writes where it is, starts it again when it dies, and ends it when no process has needed it for a while.
 * It runs in a session of its own, so that no Ctrl-C reaches it. A second keeper on the same directory ends at once.
 */
const NAMESPACE = 'default';
/** Closed runs are kept for 90 days; a development server would keep them for one. */
const RETENTION = '90 days';
const FORMAT: FormatRecord = { format: STATE_FORMAT, version: version() };
const LOOPBACK = '127.0.0.1';
/** No HTTP request can name a host so. */
const NO_HOST = '/';
const IDLE_SECONDS = 60;
/** A server that lives and does not answer so many questions in a row (out of descriptors, stopped) is replaced. */
const MISSES = 4;
/** Pause between two questions, in milliseconds. */
const HEALTH_MS = 4000;
/** How long an answer may take; a machine that builds with all its cores is slow. */
const HEALTH_LIMIT_MS = 8000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { 'state-dir': { type: 'string' }, 'idle-seconds': { type: 'string' }, 'health-ms': { type: 'string' } },
  });
  const root = values['state-dir'];
  if (root === undefined) throw new Error('server-keeper: --state-dir is missing');
  const idleSeconds = Number(values['idle-seconds'] ?? IDLE_SECONDS);
  const healthMs = Number(values['health-ms'] ?? HEALTH_MS);
  // The server makes its database for all to read.
  process.umask(0o077);
  const state = await openStateDirectory(root);
  const claimed = await claim(state, 'server');
  if (claimed.kind === 'taken') {
    if (claimed.isEarlier) throw new Error(rivalFault('server', root, claimed));
    return;
  }
  const cli = await findTemporalCli(process.env);
  // Before there is a server: what is on it from the first moment has to be proven.
  await ownRunKey(state);

  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const)
    process.on(name, () => {
      stop.abort();
    });
  process.on('SIGHUP', () => undefined);

  const last = await readJson<ServerRecord>(state.serverRecord);
  const newer = newerFault(`the embedded server of ${root}`, last);
  if (newer !== null) throw new Error(newer);
  const left = await adopt(last);
  const ui = await serveUi(portIn(last?.uiUrl));
  let record = await (left === null ? startAnew(state, cli, ui, last) : enter(state, ui, left));
  let health = watchHealth(record, healthMs);
  let lastUse = Date.now();
  while (!stop.signal.aborted && Date.now() - lastUse < idleSeconds * 1000) {
    if (!(await claimed.lock.isInPlace())) {
      say(`the state directory ${root} was removed or made anew`);
      stop.abort();
      continue;
    }
    const fault = (await isAlive(record.server)) ? health.fault() : 'is gone';
    if (fault !== null) {
      say(`the server ${fault}, starting it again`);
      health.stop();
      // One that lives and does not answer is ended first.
      await killTree(record.server, 2000);
      record = await startAnew(state, cli, ui, record);
      health = watchHealth(record, healthMs);
    }
    if ((await liveClientProcesses(state)).length > 0) lastUse = Date.now();
    await sleep(500);
  }
  say(stop.signal.aborted ? 'asked to stop' : `nobody needed the server for ${idleSeconds} seconds`);
  await killTree(record.server, 10_000);
}

/** A server that still runs, if it answers and its doors are shut; any other one is ended. */
async function adopt(last: ServerRecord | null): Promise<ServerRecord | null> {
  if (last === null || !(await isAlive(last.server))) return null;
  if (
    last.uiBehind !== undefined &&
    (await isListeningAt(last.server.pid, last.address)) &&
    (await answers(last.address))
  )
    return last;
  await killTree(last.server, 2000);
  return null;
}

/** Starts a server, at its last port if that is free; returns when it answers. */
async function startAnew(
  state: StateDirectory,
  cli: string,
  ui: UiGuard,
  last: ServerRecord | null,
): Promise<ServerRecord> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const ports = await choosePorts(portIn(last?.address));
    if (ports.metricsAreOpen)
      say('all ports that browsers stay away from are taken: the metrics of the server get another');
    const server = await startServer(state, cli, ports);
    const address = `${LOOPBACK}:${ports.frontend}`;
    if (await becomesReady(server, address)) {
      await keepClosedRuns(address);
      say(`the server answers at ${address}, its UI at ${ui.url}`);
      const keeper = await ownIdentity();
      return enter(state, ui, { keeper, server, address, uiUrl: ui.url, uiBehind: ports.ui, namespace: NAMESPACE });
    }
    say(
      `the server did not answer at ${address}: see ${state.serverLog} for what it says; another port is tried if that one is taken`,
    );
    await killTree(server, 2000);
  }
  throw new Error(`the embedded Temporal server does not start: see ${state.serverLog}`);
}

/** Shows the UI of a server, and writes down where that is. */
async function enter(state: StateDirectory, ui: UiGuard, found: ServerRecord): Promise<ServerRecord> {
  if (found.uiBehind !== undefined) ui.show(found.uiBehind);
  const record: ServerRecord = { ...found, ...FORMAT, keeper: await ownIdentity(), uiUrl: ui.url };
  await writeWhole(state.serverRecord, JSON.stringify(record));
  return record;
}

/** The port of an address or URL; 0 when there is none. */
const portIn = (address = ''): number => Number(/:(\d+)$/.exec(address)?.[1] ?? 0);

interface Health {
  /** What is wrong, in words; `null` when nothing is. */
  readonly fault: () => string | null;
  readonly stop: () => void;
}

/**
 * Asks a server again and again whether it answers, each time by a new connection. Misses are counted, not seconds: while a
 * machine sleeps nobody misses anything.
 */
function watchHealth({ address }: ServerRecord, pauseMs: number): Health {
  const over = new AbortController();
  let misses = 0;
  const watch = async (): Promise<void> => {
    while (await pause(pauseMs, over.signal)) misses = (await answers(address, HEALTH_LIMIT_MS)) ? 0 : misses + 1;
  };
  void watch();
  return {
    fault: () => (misses < MISSES ? null : `has not answered ${misses} times in a row`),
    stop: () => {
      over.abort();
    },
  };
}

async function startServer(state: StateDirectory, cli: string, ports: ServerPorts): Promise<ProcessIdentity> {
  const log = await open(state.serverLog, 'a', 0o600);
  const attributes = SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]);
  const child = spawn(
    cli,
    [
      ...['server', 'start-dev', '--ip', LOOPBACK, '--port', String(ports.frontend)],
      ...['--ui-ip', ports.ui.host, '--ui-port', String(ports.ui.port)],
      ...['--metrics-port', String(ports.metrics), '--http-port', String(ports.http)],
      // Nobody asked for the HTTP API, and it cannot be left out: it answers no request whose host has another name than this.
      ...['--dynamic-config-value', `frontend.httpAllowedHosts=["${NO_HOST}"]`],
      ...['--dynamic-config-value', 'system.enableNexus=false'],
      ...['--db-filename', basename(state.serverDatabase), '--namespace', NAMESPACE, '--log-level', 'warn'],
      // A worker that asks for an activity gets it with the answer, instead of by its next poll.
      ...['--dynamic-config-value', 'system.enableActivityEagerExecution=true'],
      ...attributes,
    ],
    // The server takes the database's name for part of a URI, where a path with `?` or `#` would be another file.
    { cwd: state.server, detached: true, stdio: ['ignore', log.fd, log.fd] },
  );
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  await log.close();
  const identity = await identify(child.pid ?? 0);
  if (identity === null) throw new Error(`the embedded Temporal server ended at once: see ${state.serverLog}`);
  return identity;
}

/** Whether it is this server that answers there in the end: another process may have taken the port before it. */
async function becomesReady(server: ProcessIdentity, address: string): Promise<boolean> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline && (await isAlive(server))) {
    if ((await isListeningAt(server.pid, address)) && (await answers(address))) return true;
    await sleep(50);
  }
  return false;
}

const answers = (address: string, limitMs?: number): Promise<boolean> =>
  ask(address, (service) => service.describeNamespace({ namespace: NAMESPACE }), limitMs).then(
    () => true,
    () => false,
  );

/** A server that refuses is told in the log: its runs are kept for a day only. */
async function keepClosedRuns(address: string): Promise<void> {
  const workflowExecutionRetentionTtl = msToTs(RETENTION);
  await ask(address, (service) =>
    service.updateNamespace({ namespace: NAMESPACE, config: { workflowExecutionRetentionTtl } }),
  ).catch((error: unknown) => {
    say(`closed runs are not kept for 90 days: ${error instanceof Error ? error.message : String(error)}`);
  });
}

/** Asks a server one thing. Half of the time may go into connecting. */
async function ask<T>(address: string, question: (service: WorkflowService) => Promise<T>, limitMs = 2000): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: limitMs / 2 });
  try {
    return await connection.withDeadline(Date.now() + limitMs, () => question(connection.workflowService));
  } finally {
    await connection.close();
  }
}

const say = (text: string): void => {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
};

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  },
);
