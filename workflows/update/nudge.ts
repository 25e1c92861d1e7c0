import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { LOOK_NOW, type LookNow } from '../../model/run/messages.js';

const lookNow = defineSignal<[LookNow]>(LOOK_NOW);

/** That somebody said to look at the repository's forge now. */
export interface Nudge {
  /** Whether somebody has said so since it was last cleared. */
  readonly isThere: () => boolean;
  readonly clear: () => void;
  /** Waits for so long, or until somebody says so. */
  readonly pause: (ms: number, summary: string) => Promise<void>;
}

export function openNudge(): Nudge {
  let there = false;
  setHandler(lookNow, () => {
    there = true;
  });
  return {
    isThere: () => there,
    clear: () => {
      there = false;
    },
    pause: async (ms, summary) => {
      await condition(() => there, ms, { summary });
      there = false;
    },
  };
}
