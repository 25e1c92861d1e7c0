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
  if (!(error instanceof Error)) return String(error);
  const own = error.message === '' ? error.name : error.message;
  // Temporal's client says what it tried; what the server (or the way to it) answered is in the cause.
  const told = error.name === 'ServiceError' && error.cause instanceof Error ? error.cause : null;
  if (told === null) return own;
  const answer = 'details' in told && typeof told.details === 'string' ? told.details : told.message;
  return isForeignDatabase(answer) ? `${DATABASE_ADVICE} (${answer})` : `${own} (${answer})`;
}

/**
 * A server on SQLite brings no database of an earlier version up to date: each of its answers is this one then. Seen with the
 * database of Temporal 1.25 under 1.29.
 */
export const isForeignDatabase = (answer: string): boolean => /SQL logic error: no such (?:column|table)/.test(answer);

const DATABASE_ADVICE =
  'The Temporal server cannot read its database, which another version of Temporal made. Nothing is lost: let $TEMPORAL_CLI ' +
  'name a temporal of that version until its runs are over. To begin anew, move server/temporal.db out of the state ' +
  'directory. Either takes effect when the server starts again, which it does a minute after nobody has used it';

/** Status code of a gRPC call that failed, or `null`. */
export function grpcCode(error: unknown): number | null {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'number' ? cause.code : null;
}

/** Code of a system error (`ENOENT`, `EACCES`, …), or `null`. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
