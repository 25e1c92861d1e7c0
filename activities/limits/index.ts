import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { usualLimits, type SandboxLimits } from '../../model/sandbox/limits.js';
import { cgroupEvents, openCgroup } from './cgroup.js';
import { withRlimits } from './rlimits.js';
import { memoryWords, overDisk, taskWords, watch } from './watch.js';

export { endCgroup as endLimited } from './cgroup.js';

/** How a command is kept to its limits, in a control group where this user gets one and by itself elsewhere. */
export interface Limited {
  /** Put before the command within its sandbox. */
  readonly within: readonly string[];
  /** The whole, sandbox and all. */
  readonly around: (command: readonly string[]) => readonly string[];
  /** Watches until the signal is aborted. @param over told once which limit was passed: a sentence without subject */
  readonly watch: (pid: number, signal: AbortSignal, over: (what: string) => void) => Promise<void>;
  /** The same of a command that has ended. */
  readonly over: () => Promise<string | null>;
}

interface ToLimit {
  /** Of the record: `endLimited` ends by it what is left. */
  readonly directory: string;
  /** All folders that the command may write to. */
  readonly folders: readonly string[];
  /** Missing: what is usual on this machine. */
  readonly limits?: Partial<SandboxLimits>;
  readonly sandboxed: boolean;
}

/** A command is the first to go where the machine has no memory left. */
const FIRST_TO_GO = 'echo 1000 >/proc/self/oom_score_adj && exec "$@"';

export async function openLimits({ directory, folders, limits: given, sandboxed }: ToLimit): Promise<Limited> {
  const { bavail, bsize } = await statfs(directory);
  const limits = { ...usualLimits(totalmem(), bavail * bsize), ...given };
  const group = await openCgroup(directory, limits);
  const inGroup =
    group === null
      ? null
      : async (): Promise<string | null> => {
          const { memory, tasks } = await cgroupEvents(group);
          if (memory) return memoryWords(limits);
          return tasks ? taskWords(limits) : null;
        };
  return {
    within: await withRlimits(limits, { group: group !== null, sandboxed }),
    around: (command) => {
      const last = ['/bin/sh', '-c', FIRST_TO_GO, 'sh', ...command];
      return group === null ? last : group.enter(last);
    },
    watch: (pid, signal, over) => watch({ pid, folders, limits, group: inGroup }, signal, over),
    over: async () => (await inGroup?.()) ?? (await overDisk({ folders, limits })),
  };
}
