import { totalmem } from 'node:os';
import { runCommand, type CommandEnd, type CommandOptions } from '../../host/command.js';
import { endWithUs } from '../../host/process-group.js';
import { fetchLimits } from '../../model/machine/fetch-limits.js';

interface AskOptions extends Omit<CommandOptions, 'limits'> {
  /** Whether it has to do with what others send. */
  readonly isRemote?: boolean;
}

/** A look at something needs no more, however large it is. */
const LOOK_BYTES = 8 * 1024 ** 3;

/** Runs a program that tells a command something. It ends with the command, and whatever a remote sends, it stays small. */
export function askProgram(
  program: string,
  args: readonly string[],
  { isRemote = false, ...options }: AskOptions,
): Promise<CommandEnd> {
  const limits = fetchLimits(process.env, totalmem());
  const bounded = { ...limits, writtenBytes: Math.min(limits.writtenBytes, LOOK_BYTES) };
  return runCommand(
    program,
    args,
    { graceMs: 500, ...options, ...(isRemote ? { limits: bounded } : {}) },
    { started: endWithUs },
  );
}
