import { setTimeout as sleep } from 'node:timers/promises';
import { newerFault, type ServerRecord, type StateDirectory } from '../model/machine/state-directory.js';
import { stripControl } from '../model/text/text.js';
import { startDetached, type Detached } from './detached.js';
import { HostFault } from './errors.js';
import { logEnd, readJson } from './files.js';
import { isListeningAt } from './listening.js';
import { pause } from './pause.js';
import { endProcesses, isAlive } from './processes.js';
import { prepareToStart, stateFault } from './state-directory.js';

/** Time for the embedded server to answer, in milliseconds: its keeper gives each try to start it 30 seconds. */
const START_MS = 40_000;
/** Time for the keeper of an earlier version to end its server and itself, in milliseconds. */
const OLD_KEEPER_MS = 12_000;

/** Record of the running embedded server, or `null`. @throws HostFault for one that is unreadable or too new */
export async function runningServer(state: StateDirectory): Promise<ServerRecord | null> {
  const record = await readServerRecord(state);
  return record !== null && (await isKept(record)) && (await isListening(record)) ? record : null;
}

async function readServerRecord(state: StateDirectory): Promise<ServerRecord | null> {
  const record = await readJson<ServerRecord>(state.serverRecord).catch((error: unknown) => {
    throw stateFault(state, error);
  });
  const fault = newerFault(`the embedded server of ${state.root}`, record);
  if (fault !== null) throw new HostFault(`${fault}.`);
  return record;
}

const isKept = async ({ keeper, server }: ServerRecord): Promise<boolean> =>
  (await isAlive(keeper)) && (await isAlive(server));

/** Another process at the port, perhaps of another account, is not our server. */
const isListening = ({ server, address }: ServerRecord): Promise<boolean> => isListeningAt(server.pid, address);

/** The embedded server of this state directory, started when it does not run yet. @throws HostFault */
export async function ensureServer(state: StateDirectory): Promise<ServerRecord> {
  let keeper: Detached | null = null;
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    const record = await readServerRecord(state);
    if (record !== null && (await isKept(record))) {
      // Of Lockkeeper 0.1.0: its server lets web pages in. Its runs go on with the next one.
      if (record.uiBehind === undefined) await endProcesses([record.keeper], OLD_KEEPER_MS);
      else if (await isListening(record)) return record;
    }
    if (keeper === null && (record === null || !(await isAlive(record.keeper)))) keeper = await startKeeper(state);
    if (keeper?.failed() === true) {
      const why = stripControl(await logEnd(state.serverLog, 1)).replace(/^\S+Z /, '');
      throw new HostFault(`The embedded Temporal server did not start: ${why}. "lockkeeper doctor" tells more.`);
    }
    // Another process's keeper may have been quicker: then ours has ended, and the record still comes.
    await sleep(keeper?.exited() === true ? 250 : 50);
  }
  throw new HostFault(
    `The embedded Temporal server did not start within ${START_MS / 1000} s. The end of ${state.serverLog}:\n` +
      `${stripControl(await logEnd(state.serverLog))}\n` +
      'Run "lockkeeper doctor" to see what is missing, or set TEMPORAL_ADDRESS to a server of your own.',
  );
}

async function startKeeper(state: StateDirectory): Promise<Detached> {
  await prepareToStart(state);
  return await startDetached('server-keeper.js', ['--state-dir', state.root], state.serverLog);
}

/**
 * Starts the keeper of the embedded server again whenever it is gone, until `signal` aborts.
 * @param address where the server is
 * @param moved called once, when the server is somewhere else
 */
export async function guardServer(
  state: StateDirectory,
  address: string,
  signal: AbortSignal,
  moved: (address: string) => void,
): Promise<void> {
  while (await pause(1000, signal)) {
    // A disk that is full, for example, may have room again.
    const record = await readServerRecord(state).catch(() => undefined);
    if (record === undefined) continue;
    if (record === null || !(await isAlive(record.keeper))) await startKeeper(state).catch(() => undefined);
    else if (record.address !== address) {
      moved(record.address);
      return;
    }
  }
}
