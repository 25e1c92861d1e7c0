import type { WayOfLanding } from './types.js';
import { whereWords } from './where.js';

/** The main branch itself, by fast-forward. */
export const merge: WayOfLanding = {
  lands: true,
  movesMain: true,
  makesBranches: false,
  asksForge: false,
  holdsBack: false,
  intent: ({ repository }) => `will fast-forward ${repository.mainBranch} ${whereWords(repository)}`,
  step: ({ mainBranch }) => `merge into ${mainBranch}`,
  outcome: 'Landed',
  place: () => 'merged into',
  summary: () => '',
};
