import { setTimeout as sleep } from 'node:timers/promises';
import { logEnd, readJson } from '../../host/files.js';
import { isListeningAt } from '../../host/listening.js';
import { newerFault, type ServerRecord, type StateDirectory } from '../../model/machine/state-directory.js';
import { startDetached } from './detached.js';
import { CommandError } from '../errors.js';
import { isAlive } from '../../host/processes.js';
import { prepareToStart, stateFault } from '../../host/state-directory.js';
import { typed } from '../terminal/typed.js';

const START_MS = 15_000;

/** The embedded server's record when it runs; `null` when nobody started it. */
export async function runningServer(state: StateDirectory): Promise<ServerRecord | null> {
  const record = await readJson<ServerRecord>(state.serverRecord).catch((error: unknown) => {
    throw stateFault(state, error);
  });
  const fault = newerFault(`the embedded server of ${state.root}`, record);
  if (fault !== null) throw new CommandError(`${fault}.`);
  if (record === null || !(await isAlive(record.keeper)) || !(await isAlive(record.server))) return null;
  // Another process at the port, of another account perhaps, is no server of ours.
  return (await isListeningAt(record.server.pid, record.address)) ? record : null;
}

/** The embedded server of this state directory, started when it does not run yet. */
export async function ensureServer(state: StateDirectory): Promise<ServerRecord> {
  const running = await runningServer(state);
  if (running !== null) return running;
  await prepareToStart(state);
  const log = state.serverLog;
  const keeper = await startDetached('server-keeper.js', ['--state-dir', state.root], log);
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    const record = await runningServer(state);
    if (record !== null) return record;
    if (keeper.failed()) break;
    // Another command's keeper may have been quicker: then ours has ended, and the record still comes.
    await sleep(keeper.exited() ? 250 : 50);
  }
  if (keeper.failed()) {
    const why = (await logEnd(log, 1)).replace(/^\S+Z /, '');
    throw new CommandError(`The embedded Temporal server did not start: ${why}. "${typed('doctor')}" tells more.`);
  }
  throw new CommandError(
    `The embedded Temporal server did not start within ${START_MS / 1000} s. The end of ${log}:\n${await logEnd(log)}\n` +
      `Run "${typed('doctor')}" to see what is missing, or set TEMPORAL_ADDRESS to a server of your own.`,
  );
}
