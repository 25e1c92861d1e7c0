/** What a person has to mend or to know: shown as its message alone, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitStatus: number;

  /** @param exitStatus what the process ends with */
  constructor(message: string, exitStatus = 1) {
    super(message);
    this.exitStatus = exitStatus;
  }
}

/** Message of anything that was thrown; never empty. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message === '' ? error.name : error.message;
  return String(error);
}

/** Code of a system error (`ENOENT`, `EACCES`, …), or `null`. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
