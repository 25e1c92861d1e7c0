import type { Pace } from '../model/machine/fetch-limits.js';
import { lookEach } from './look-each.js';
import { groupUsage, type GroupUsage } from './process-group.js';

/** Bytes a second below which a command gets nowhere. What a remote sends passes several of its processes. */
const LEAST_BYTES = 500;
/** The part of a processor below which it gets nowhere. */
const LEAST_WORK = 0.02;
const LOOK_MS = 1000;

/**
 * Watches a process group by what the kernel counts, so that it holds for every transport. Where the kernel counts nothing, it finds
 * nothing.
 * @param exceeded called once, when the first of the limits is passed
 * @returns ends the watch
 */
export function watchGroup(group: number, pace: Pace, exceeded: (limit: 'stall' | 'written') => void): () => void {
  const seen = new Map<number, { readonly read: number; readonly written: number; readonly seconds: number }>();
  const total = { bytes: 0, written: 0, seconds: 0 };
  let mark = { ...total };
  let since = performance.now();
  let ended = false;
  const count = ({ processes }: GroupUsage): void => {
    for (const [pid, usage] of processes) {
      const before = seen.get(pid) ?? { read: 0, written: 0, seconds: 0 };
      const more = (now: number, then: number): number => Math.max(0, now - then);
      const written = more(usage.written, before.written);
      total.bytes += more(usage.read, before.read) + written;
      total.written += written;
      total.seconds += more(usage.seconds, before.seconds);
      seen.set(pid, usage);
    }
  };
  const look = async (): Promise<void> => {
    const usage = await groupUsage(group);
    if (ended || usage.processes.size === 0) return;
    count(usage);
    if (total.written > pace.writtenBytes) {
      stop();
      exceeded('written');
      return;
    }
    const { stallSeconds } = pace;
    if (stallSeconds === undefined) return;
    const seconds = (performance.now() - since) / 1000;
    const moves =
      total.bytes - mark.bytes >= LEAST_BYTES * stallSeconds ||
      total.seconds - mark.seconds >= LEAST_WORK * stallSeconds;
    if (moves) {
      mark = { ...total };
      since = performance.now();
    } else if (seconds >= stallSeconds) {
      stop();
      exceeded('stall');
    }
  };
  const endLooks = lookEach(LOOK_MS, look);
  const stop = (): void => {
    ended = true;
    endLooks();
  };
  return stop;
}
