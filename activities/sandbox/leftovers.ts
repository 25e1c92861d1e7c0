import { environmentOf, processIds } from '../../host/processes.js';
import { endLimited } from '../limits/index.js';

/** Names the attempt in the environment of its agent, which marks what the agent leaves behind in other sessions. */
export const ATTEMPT_VARIABLE = 'LOCKKEEPER_ATTEMPT';

const ROUNDS = 5;

/**
 * Kills every process that an attempt's agent has left anywhere on the machine: all in its control group, and elsewhere those that kept
 * their environment. In a sandbox nothing is left. Several times over, for one may start another meanwhile.
 */
export async function endLeftovers(directory: string): Promise<void> {
  await endLimited(directory);
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = await processIds();
    const marked = await Promise.all(pids.map((pid) => isMarked(pid, directory)));
    const found = pids.filter((_, index) => marked[index] === true);
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

const isMarked = async (pid: number, directory: string): Promise<boolean> =>
  (await environmentOf(pid)).includes(`${ATTEMPT_VARIABLE}=${directory}`);
