import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../model/text/message-of.js';
import { oneLine } from '../../model/text/one-line.js';
import type { HookEvent } from '../../model/hooks/event.js';
import type { Delivery } from './deliver.js';

/** Shortest and longest pause between two deliveries about one repository, in milliseconds. */
const LEAST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
const REMEMBERED = 1000;
/** Tries of what was answered before it was told, and the pause after the first of them, which doubles. */
const TRIES = 5;
const RETRY_MS = 2000;

interface Told {
  /** By a clock that nobody sets, in milliseconds. */
  readonly at: number;
  readonly pauseMs: number;
  /** Whether what came meanwhile is going to be told. */
  later: boolean;
  /** What became of the delivery that the pause follows; what comes before that is known is answered alike. */
  readonly answer: Promise<Delivery>;
}

export interface Calm {
  readonly tell: (event: HookEvent) => Promise<Delivery>;
  /** Tells at once what was to be told later. */
  readonly close: () => Promise<void>;
}

/**
 * Tells of each repository now and then: what comes in a pause is told once, at its end, and pauses grow while more comes. Each message
 * is in the history of a workflow, and looks at all that changed before it. Nothing is remembered of a repository that nobody knows.
 */
export function calmly(deliver: (event: HookEvent) => Promise<Delivery>, log: (text: string) => void): Calm {
  const told = new Map<string, Told>();
  const closing = new AbortController();
  const open = new Set<Promise<void>>();
  /** Waits, and not any longer when it is closed. */
  const pause = (ms: number): Promise<void> =>
    sleep(Math.max(ms, 0), undefined, { ref: false, signal: closing.signal }).catch(() => undefined);
  const deliverLater = async (event: HookEvent): Promise<Delivery> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await deliver(event);
      } catch (error) {
        log(`a webhook was not passed on (try ${tries} of ${TRIES}): ${oneLine(messageOf(error), 500)}`);
        if (tries === TRIES || closing.signal.aborted) return 'told';
        await pause(RETRY_MS * 2 ** (tries - 1));
      }
    }
  };
  const tellAtTheEnd = async (key: string, last: Told, event: HookEvent): Promise<void> => {
    await pause(last.at + last.pauseMs - performance.now());
    const pauseMs = Math.min(last.pauseMs * 2, LONGEST_PAUSE_MS);
    told.set(key, { at: performance.now(), pauseMs, later: false, answer: Promise.resolve('told') });
    if ((await deliverLater(event)) === 'unknown') told.delete(key);
  };
  const tell = async (event: HookEvent): Promise<Delivery> => {
    const key = JSON.stringify([event.repositories, event.branch]);
    const last = told.get(key);
    const now = performance.now();
    if (last === undefined || now >= last.at + last.pauseMs) {
      const isBusy = last !== undefined && now < last.at + 3 * last.pauseMs;
      told.delete(key);
      const answer = deliver(event);
      told.set(key, { at: now, pauseMs: isBusy ? last.pauseMs : LEAST_PAUSE_MS, later: false, answer });
      for (const [oldest] of told) if (told.size > REMEMBERED) told.delete(oldest);
      const isKnown = await answer.then(
        (delivery) => delivery !== 'unknown',
        () => false,
      );
      if (!isKnown) told.delete(key);
      return await answer;
    }
    // Nobody who sends a second one in the same moment learns more than the first. One that failed is told later.
    if ((await last.answer.catch(() => 'told')) === 'unknown') return 'unknown';
    if (last.later) return 'told';
    last.later = true;
    const ended = tellAtTheEnd(key, last, event).finally(() => open.delete(ended));
    open.add(ended);
    return 'told';
  };
  return {
    tell,
    close: async () => {
      closing.abort();
      await Promise.all(open);
    },
  };
}
