import { setTimeout as sleep } from 'node:timers/promises';

/** Some fifty times what an answer takes. */
const LATE_MS = 500;

/**
 * An answer of the server about a schedule, asked for a second time when it is late. Of some hundred questions Temporal's server
 * (1.29) loses one on its way to the worker that knows the schedule, and only tries again after five seconds; a second question
 * is answered at once.
 * @param ask reads only, so that asking twice is harmless
 */
export async function askedAgain<T>(ask: () => Promise<T>): Promise<T> {
  const answer = ask();
  const late = new AbortController();
  const isLate = sleep(LATE_MS, true, { signal: late.signal }).catch(() => false);
  try {
    if (!(await Promise.race([answer.then(() => false), isLate]))) return await answer;
  } finally {
    late.abort();
  }
  return await Promise.race([answer, ask()]);
}
