import { lookEach } from './look-each.js';
import { below, processTable, type ProcessStat } from './processes.js';

const LOOK_MS = 3000;

/** Whose processes are to go on, and which of them stood still at the last look. */
interface Care {
  readonly root: number;
  before: ReadonlySet<number>;
}

const cares = new Set<Care>();
let endLooks: (() => void) | null = null;

/**
 * Lets processes go on that stand still for some seconds, as SIGSTOP makes them: no limit ends one of them, because it keeps its time
 * itself, and whoever waits for it waits for ever. It is SIGCONT alone that is sent, so nothing is lost.
 * @param root a process that the others are below of; it may stand still as well
 * @returns ends it
 */
export function keepGoing(root: number): () => void {
  const care: Care = { root, before: new Set() };
  cares.add(care);
  endLooks ??= lookEach(LOOK_MS, look);
  return () => {
    cares.delete(care);
    if (cares.size > 0) return;
    endLooks?.();
    endLooks = null;
  };
}

/** One look at all processes of this machine, of which there may be hundreds, serves all who follow a command. */
async function look(): Promise<void> {
  const table = await processTable();
  for (const care of cares) continueStanding(care, table);
}

function continueStanding(care: Care, table: readonly ProcessStat[]): void {
  const own = [...table.filter(({ pid }) => pid === care.root), ...below(care.root, table)];
  const standing = own.filter(({ isStopped }) => isStopped).map(({ pid }) => pid);
  for (const pid of standing.filter((each) => care.before.has(each))) {
    try {
      process.kill(pid, 'SIGCONT');
    } catch {
      // It has ended meanwhile.
    }
  }
  care.before = new Set(standing);
}
