import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { LAND_NOW, isAbout, type LandNow } from '../../model/run/messages.js';
import type { PartOfRun } from '../../model/verify/part.js';
import type { RunState } from './run-state.js';

export const landNow = defineSignal<[LandNow]>(LAND_NOW);

/** Waits until it is the turn of a part to land, where its run has them land one after the other. */
export function openTurn(part: PartOfRun | null, state: RunState): () => Promise<void> {
  if (part?.inTurn !== true) return () => Promise.resolve();
  let isOurs = false;
  setHandler(
    landNow,
    (sent) => {
      isOurs ||= isAbout(sent, LAND_NOW);
    },
    { description: 'The parts before this one have landed: sent by its run, not by people' },
  );
  return async () => {
    if (isOurs) return;
    state.phase('landing', 'the requests before it, each of which moves main');
    // eslint-disable-next-line temporal/workflow-condition-timeout-style -- its run tells it, or ends it
    await condition(() => isOurs);
  };
}
