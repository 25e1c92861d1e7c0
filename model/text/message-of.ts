/** Message of anything that was thrown; never empty. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message === '' ? error.name : error.message;
  // Temporal's client says what it tried; what the server (or the way to it) answered is in the cause.
  const told = error.name === 'ServiceError' && error.cause instanceof Error ? error.cause : null;
  if (told === null) return own;
  const details = 'details' in told && typeof told.details === 'string' ? told.details : '';
  const answer = details === '' ? told.message : details;
  return isForeignDatabase(answer) ? `${DATABASE_ADVICE} (${answer})` : `${own} (${answer})`;
}

/**
 * A server on SQLite brings no database of an earlier version up to date: each of its answers is this one then. Seen with the
 * database of Temporal 1.25 under 1.29.
 */
export const isForeignDatabase = (answer: string): boolean => /SQL logic error: no such (?:column|table)/.test(answer);

const DATABASE_ADVICE =
  'The Temporal server cannot read its database, which another version of Temporal made. Nothing is lost: let $TEMPORAL_CLI ' +
  'name a temporal of that version until its runs are over. To begin anew, move server/temporal.db* out of the state ' +
  'directory, and type "lockkeeper apply" again if you have schedules. Either takes effect when the server starts again: it ends a minute after the last worker and command has';
