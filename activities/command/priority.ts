import { writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Steps below this process, as nice(2) counts. Worker and server have to answer while every core builds. */
const BELOW = 5;
const LOWEST = 19;

/** The nice value of what a worker starts. A worker that comes before the rest of its machine does not lift builds above it. */
export const niceBelow = (own: number): number => Math.min(Math.max(own + BELOW, BELOW), LOWEST);

/**
 * Lets worker and server come first for the processor, before the leader of a session and what it starts from now on.
 * Where the kernel shares the processor between sessions first (`sched_autogroup_enabled`, see sched(7)), a nice value counts
 * within its session only, and the session gets the same value.
 */
export function lowerPriority(leader: number): void {
  try {
    const nice = niceBelow(getPriority());
    setPriority(leader, nice);
    writeFileSync(`/proc/${leader}/autogroup`, String(nice));
  } catch {
    // It has ended already, or the kernel has no such groups.
  }
}
