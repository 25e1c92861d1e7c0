import { updateBranches } from './branches.js';
import type { WayOfLanding } from './types.js';
import { whereWords } from './where.js';

/** A branch of the day, for a person to merge. */
export const branch: WayOfLanding = {
  lands: true,
  movesMain: false,
  makesBranches: true,
  asksForge: false,
  holdsBack: true,
  intent: (options, date) =>
    `will ${options.repository.local ? 'write' : 'push'} branch ${updateBranches(options, date).branch} ${whereWords(options.repository)}`,
  step: () => 'push the branch',
  outcome: 'Landed',
  place: () => 'on branch',
  summary: ({ branchPrefix }) => ` (${branchPrefix}…)`,
};
