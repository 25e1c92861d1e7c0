import { setTimeout as sleep } from 'node:timers/promises';
import { runningServer } from '../../host/embedded-server.js';
import { isAlive } from '../../host/processes.js';
import { runningWorker } from '../../client/server/worker.js';
import type { ProcessIdentity, StateDirectory } from '../../model/machine/state-directory.js';

const PATIENCE_MS = 20_000;

/**
 * Ends the demo's worker and server, and waits until they are gone, so that its folder can be removed at once. Both would
 * end by themselves a while after the last command. The worker goes first: it would start the server again.
 */
export async function stopEverything(state: StateDirectory): Promise<void> {
  const worker = await runningWorker(state);
  if (worker !== null) await end(worker, [worker]);
  const server = await runningServer(state);
  if (server !== null) await end(server.keeper, [server.keeper, server.server]);
}

/** Asks one process to end, and waits for several. */
async function end(asked: ProcessIdentity, gone: readonly ProcessIdentity[]): Promise<void> {
  process.kill(asked.pid, 'SIGTERM');
  const deadline = Date.now() + PATIENCE_MS;
  const anyAlive = async (): Promise<boolean> => (await Promise.all(gone.map(isAlive))).includes(true);
  while (Date.now() < deadline && (await anyAlive())) await sleep(50);
}
