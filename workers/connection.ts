import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { endProcesses, isAlive } from '../host/processes.js';
import { isListeningAt } from '../host/listening.js';
import { stripControl } from '../model/text/text.js';
import { newerFault } from '../model/machine/state-directory.js';
import type { ServerRecord, StateDirectory } from '../model/machine/state-directory.js';
import { readJson } from '../host/files.js';
import { pause } from './pause.js';

export interface ServerAddress {
  readonly embedded: boolean;
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
  readonly options: NativeConnectionOptions;
}

/** The server of Temporal's environment configuration if one is set, else the embedded one of this state directory. */
export async function findServer(state: StateDirectory): Promise<ServerAddress> {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  if (connectionOptions.address !== undefined && connectionOptions.address !== '') {
    return {
      embedded: false,
      address: connectionOptions.address,
      namespace: namespace ?? 'default',
      uiUrl: null,
      options: connectionOptions,
    };
  }
  const { address, uiUrl, namespace: own } = await ensureEmbeddedServer(state);
  return { embedded: true, address, namespace: own, uiUrl, options: { address } };
}

/** Time for the embedded server to answer, in milliseconds. */
const START_LIMIT_MS = 40_000;
/** Time for the keeper of an earlier version to end its server and itself, in milliseconds. */
const OLD_KEEPER_MS = 12_000;

/** Starts the keeper when no live one is recorded; a second keeper on the directory ends by itself. */
async function ensureEmbeddedServer(state: StateDirectory): Promise<ServerRecord> {
  const deadline = Date.now() + START_LIMIT_MS;
  let keeper: ChildProcess | undefined;
  while (Date.now() < deadline) {
    const record = await readJson<ServerRecord>(state.serverRecord);
    const newer = newerFault(`the embedded server of ${state.root}`, record);
    if (newer !== null) throw new Error(newer);
    if (record !== null && (await isAlive(record.keeper)) && (await isAlive(record.server))) {
      // Of Lockkeeper 0.1.0: its server lets web pages in. Its runs go on with the next one.
      if (record.uiBehind === undefined) await endProcesses([record.keeper], OLD_KEEPER_MS);
      else if (await isListeningAt(record.server.pid, record.address)) return record;
    }
    if (keeper === undefined && (record === null || !(await isAlive(record.keeper)))) keeper = await spawnKeeper(state);
    // One that finds another keeper at work ends with 0, and the record still comes.
    if (typeof keeper?.exitCode === 'number' && keeper.exitCode !== 0) break;
    await sleep(50);
  }
  const last = (await readFile(state.serverLog, 'utf8').catch(() => '')).trimEnd().split('\n').at(-1) ?? '';
  throw new Error(`the embedded Temporal server does not start: ${stripControl(last)} (its log: ${state.serverLog})`);
}

async function spawnKeeper(state: StateDirectory): Promise<ChildProcess> {
  const log = await open(state.serverLog, 'a', 0o600);
  const script = fileURLToPath(new URL('./server-keeper.js', import.meta.url));
  const keeper = spawn(process.execPath, [script, '--state-dir', state.root], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  keeper.unref();
  await log.close();
  return keeper;
}

/** Restarts the keeper of the embedded server whenever it is gone, until `signal` aborts. */
export async function guardEmbeddedServer(state: StateDirectory, signal: AbortSignal): Promise<void> {
  while (await pause(1000, signal)) {
    const record = await readJson<ServerRecord>(state.serverRecord);
    if (record === null || !(await isAlive(record.keeper))) await spawnKeeper(state);
  }
}

/** Time for a server to answer: one that is being restarted does within seconds. */
const CONNECT_LIMIT_MS = 4000;

/**
 * Connects, trying again for a while.
 * @throws Error that says what was tried and how to start a server
 */
export async function connect(server: ServerAddress): Promise<NativeConnection> {
  const deadline = Date.now() + CONNECT_LIMIT_MS;
  for (;;) {
    try {
      return await NativeConnection.connect(server.options);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (Date.now() >= deadline)
        throw new Error(
          `no Temporal server answers at ${server.address} (${reason(message)}), tried for ${CONNECT_LIMIT_MS / 1000} s. ` +
            'Start it ("temporal server start-dev"), mend TEMPORAL_ADDRESS or the profile, or unset them to use the embedded server.',
          { cause: error },
        );
      await sleep(500);
    }
  }
}

/** What is meant for people in the connection's own words, which are a structure of Rust's. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/valid authentication credentials|does not have permission/, 'it refuses this API key or certificate'],
  [/InvalidCertificate\((\w+)/, 'its certificate is not accepted: $1'],
  [
    /connection closed|connection reset|broken pipe|fatal alert/i,
    'it ends the connection, as one does that wants a certificate',
  ],
  [/Connection refused|dns error|timed out/i, '$&'],
];

function reason(message: string): string {
  for (const [pattern, words] of REASONS) {
    const found = pattern.exec(message)?.[0];
    if (found !== undefined) return found.replace(pattern, words);
  }
  return 'no connection';
}
