import { setTimeout as sleep } from 'node:timers/promises';
import type { HookEvent } from '../../model/hooks/event.js';
import type { Delivery } from './deliver.js';

/** Shortest and longest pause between two deliveries about one repository, in milliseconds. */
const LEAST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Repositories that are remembered. */
const REMEMBERED = 1000;

interface Told {
  readonly at: number;
  readonly pauseMs: number;
  /** Whether what came meanwhile is going to be told. */
  later: boolean;
}

/**
 * Tells of each repository now and then: what comes in a pause is told once, at its end, and pauses grow while more comes. Each message
 * is in the history of a workflow, and looks at all that changed before it. Nothing is remembered of a repository that nobody knows.
 */
export function calmly(deliver: (event: HookEvent) => Promise<Delivery>): typeof deliver {
  const told = new Map<string, Told>();
  return async (event) => {
    const key = JSON.stringify([event.repositories, event.branch]);
    const last = told.get(key);
    const now = Date.now();
    if (last === undefined || now >= last.at + last.pauseMs) {
      const isBusy = last !== undefined && now < last.at + 3 * last.pauseMs;
      told.delete(key);
      told.set(key, { at: now, pauseMs: isBusy ? last.pauseMs : LEAST_PAUSE_MS, later: false });
      for (const [oldest] of told) if (told.size > REMEMBERED) told.delete(oldest);
      let delivery: Delivery = 'unknown';
      try {
        delivery = await deliver(event);
      } finally {
        if (delivery === 'unknown') told.delete(key);
      }
      return delivery;
    }
    if (last.later) return 'told';
    last.later = true;
    const atTheEnd = async (): Promise<void> => {
      await sleep(last.at + last.pauseMs - Date.now(), undefined, { ref: false });
      told.set(key, { at: Date.now(), pauseMs: Math.min(last.pauseMs * 2, LONGEST_PAUSE_MS), later: false });
      await deliver(event);
    };
    // The next look of its own comes anyway.
    void atTheEnd().catch(() => undefined);
    return 'told';
  };
}
