import { lookEach } from './look-each.js';
import { descendants, statOf } from './processes.js';

const LOOK_MS = 3000;

/**
 * Lets processes go on that stand still for some seconds, as SIGSTOP makes them: no limit ends one of them, because it keeps its time
 * itself, and whoever waits for it waits for ever. It is SIGCONT alone that is sent, so nothing is lost.
 * @param root a process that the others are below of; it may stand still as well
 * @returns ends it
 */
export function keepGoing(root: number): () => void {
  /** Those that stood still at the last look. */
  let before = new Set<number>();
  return lookEach(LOOK_MS, async () => {
    const below = (await descendants(root)).map(({ pid }) => pid);
    const stats = await Promise.all([root, ...below].map(statOf));
    const standing = stats.flatMap((stat) => (stat?.isStopped === true ? [stat.pid] : []));
    for (const pid of standing.filter((each) => before.has(each))) {
      try {
        process.kill(pid, 'SIGCONT');
      } catch {
        // It has ended meanwhile.
      }
    }
    before = new Set(standing);
  });
}
