import type { WayOfLanding } from './types.js';

/** A dry run: the update is verified, and stays here. */
export const none: WayOfLanding = {
  lands: false,
  movesMain: false,
  makesBranches: true,
  asksForge: false,
  holdsBack: true,
  intent: () => 'dry run: nothing will be pushed',
  step: () => 'land nothing',
  outcome: 'Landed',
  place: () => 'would have been pushed to',
  summary: ({ perInput }) => (perInput === true ? ' (each input by itself)' : ''),
};
