import { runCommand, type CommandEnd, type CommandOptions } from '../../host/command.js';
import { endGroup } from '../../host/process-group.js';
import { lowerPriority } from './priority.js';
import { identify, killTree } from '../../host/processes.js';

export interface RunOptions extends CommandOptions {
  /** Aborting it ends the child and everything below it. */
  readonly signal?: AbortSignal;
  /** Whether worker and server come first for the processor, as they do before builds. */
  readonly background?: boolean;
}

export interface Finished extends CommandEnd {
  /** Whether it ran for longer than `timeoutMs`. */
  readonly timedOut: boolean;
  /** Whether it was ended because of its output. */
  readonly flooded: boolean;
}

/**
 * Runs a command in a process group of its own and gives what came out, whatever its exit status. What ends it ends everything below
 * it, also what has left its group.
 * Throws only when `signal` aborts it (the signal's reason).
 */
export async function run(
  command: string,
  args: readonly string[],
  { background = false, ...options }: RunOptions = {},
): Promise<Finished> {
  options.signal?.throwIfAborted();
  const finished = await runCommand(command, args, options, {
    started: (pid) => {
      if (background) lowerPriority(pid);
      return undefined;
    },
    async end(pid, graceMs) {
      const leader = await identify(pid);
      // Without its leader, what it started may still be there.
      await (leader === null ? endGroup(pid, graceMs) : killTree(leader, graceMs));
    },
  });
  options.signal?.throwIfAborted();
  return { ...finished, timedOut: finished.exceeded === 'time', flooded: finished.exceeded === 'output' };
}
