import { Context, cancellationSignal, heartbeat } from '@temporalio/activity';

const INTERVAL_MS = 1000;

export type Tell = (details: unknown) => void;

/**
 * Runs the work of an activity with a heartbeat each second, so that a cancellation reaches it. The signal is aborted by
 * anything that ends the attempt - evaluations and lock updates are cheap to repeat - and the cancellation is then what
 * the activity fails with, whatever the interrupted work says.
 */
export async function whileHeartbeating<T>(
  first: unknown,
  work: (signal: AbortSignal, tell: Tell) => Promise<T>,
): Promise<T> {
  // Not at once: most of what begins ends sooner, and each heartbeat is a write of the server.
  let details = first;
  const timer = setInterval(() => {
    heartbeat(details);
  }, INTERVAL_MS);
  const signal = cancellationSignal();
  try {
    return await work(signal, (told) => {
      details = told;
    });
  } catch (error) {
    if (signal.aborted) await Context.current().cancelled;
    throw error;
  } finally {
    clearInterval(timer);
  }
}
