import { BadInput } from '../checks/names.js';
import { formatSize, parseSize } from '../text/size.js';
import { formatSeconds } from '../text/text.js';

/** How slow and how large the work of a command may be. */
export interface Pace {
  /**
   * Ended when it has got nowhere for so many seconds: next to no bytes, and hardly any work for the processor. Missing for a command
   * whose bytes the kernel does not count, because it receives them from a socket.
   */
  readonly stallSeconds?: number;
  /** Ended when its processes have written so many bytes in all. */
  readonly writtenBytes: number;
}

/** Bounds of a command that has to do with what others send. */
export interface CommandLimits extends Pace {
  /** Bytes that each of its processes may hold in memory; missing for one that knows itself how much it needs. */
  readonly memoryBytes?: number;
}

/** What is fetched may be slow and large, but not for ever and without end. */
export interface FetchLimits extends Required<CommandLimits> {
  /** Seconds that one command may take in all. */
  readonly seconds: number;
}

/** What ended a command that went on for too long, or became too large. */
export type Exceeded = 'time' | 'stall' | 'written' | 'output' | 'memory';

const GIB = 1024 ** 3;

/** The variables by which an owner sets other limits, for the worker as for commands. */
const VARIABLES = {
  seconds: 'LOCKKEEPER_FETCH_SECONDS',
  stallSeconds: 'LOCKKEEPER_FETCH_STALL_SECONDS',
  writtenBytes: 'LOCKKEEPER_FETCH_SIZE',
  memoryBytes: 'LOCKKEEPER_FETCH_MEMORY',
} as const;

/**
 * The limits of everything that is fetched. They leave room for the whole history of nixpkgs over a slow line: Git's processes hand
 * on what comes, so that each byte of it is written about three times.
 * @param memory of this machine, in bytes
 * @throws `BadInput` for a variable with another value
 */
export function fetchLimits(env: Readonly<Record<string, string | undefined>>, memory: number): FetchLimits {
  const given = (limit: keyof typeof VARIABLES, usual: number): number => {
    const name = VARIABLES[limit];
    const text = env[name] ?? '';
    if (text === '') return usual;
    const isTime = limit === 'seconds' || limit === 'stallSeconds';
    const value = isTime && !/^\d+$/.test(text) ? null : parseSize(text);
    if (value === null || value === 0)
      throw new BadInput(
        name,
        text,
        isTime ? 'is not a number of seconds: give one such as 3600.' : 'is not a size: give one such as 16G.',
      );
    return value;
  };
  return {
    seconds: given('seconds', 4 * 3600),
    stallSeconds: given('stallSeconds', 600),
    writtenBytes: given('writtenBytes', 64 * GIB),
    memoryBytes: given('memoryBytes', Math.min(4 * GIB, Math.max(GIB, memory / 2))),
  };
}

/** Whether another try may do: a line that is slow today may be quick tomorrow, what is too large stays too large. */
export const mayBeQuicker = (exceeded: Exceeded): boolean => exceeded === 'stall';

/**
 * One or two sentences: which remote, which limit, and the way out.
 * @param name of the remote, as it may be shown
 * @param seconds that the command had
 */
export function exceededWords(name: string, exceeded: Exceeded, limits: FetchLimits, seconds = limits.seconds): string {
  const raise = (limit: keyof typeof VARIABLES): string =>
    `If that is how it should be, raise ${VARIABLES[limit]} for the worker`;
  switch (exceeded) {
    case 'time':
      return `The remote ${name} did not finish within ${formatSeconds(seconds)}, and was cut off. ${raise('seconds')}`;
    case 'stall':
      return `The remote ${name} sent next to nothing for ${formatSeconds(limits.stallSeconds)}, and was cut off. ${raise('stallSeconds')}`;
    case 'written':
      return `The remote ${name} sent too much: more than ${formatSize(limits.writtenBytes)} were written for it, and it was cut off. ${raise('writtenBytes')}`;
    case 'memory':
      return `The remote ${name} sent more than ${formatSize(limits.memoryBytes)} that have to be held in memory, and was cut off. ${raise('memoryBytes')}`;
    case 'output':
      return `The remote ${name} sent lists or messages without end, and was cut off`;
  }
}
