import { HostFault } from '../host/errors.js';

/** What a person has to fix or to know: shown as its message alone, without a stack. */
export class CommandError extends HostFault {
  override readonly name = 'CommandError';
  readonly exitStatus: number;

  /** @param exitStatus what the process ends with */
  constructor(message: string, exitStatus = 1) {
    super(message);
    this.exitStatus = exitStatus;
  }
}

/** One message with everything that is wrong. @param where it is wrong, such as a file; missing: on the command line */
export function faultsError(faults: readonly string[], where?: string): CommandError {
  const [only, ...more] = faults;
  if (only !== undefined && more.length === 0)
    return new CommandError(where === undefined ? only : `${where}: ${only}`);
  const list = faults.map((each) => `  ${each}`).join('\n');
  return new CommandError(`${where ?? 'The command line'} has ${faults.length} errors:\n${list}`);
}

/** Status code of a gRPC call that failed, or `null`. */
export function grpcCode(error: unknown): number | null {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'number' ? cause.code : null;
}
