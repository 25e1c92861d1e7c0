import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, and says whether to go on: false as soon as `signal` has aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
