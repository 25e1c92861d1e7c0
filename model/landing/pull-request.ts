import type { WayOfLanding } from './types.js';

/** A pull request of a branch that each update takes over from the one before, for a person to merge. */
export const pullRequest: WayOfLanding = {
  lands: true,
  movesMain: false,
  makesBranches: true,
  asksForge: true,
  holdsBack: true,
  intent: ({ repository: { mainBranch, displayUrl }, landing: { branch = '', perInput } }) =>
    perInput === true
      ? `will propose a branch ${branch}-INPUT for ${mainBranch} as a pull request at ${displayUrl}, for each input that moves`
      : `will propose branch ${branch} for ${mainBranch} as a pull request at ${displayUrl}`,
  step: () => 'push the branch of the pull request',
  outcome: 'Proposed',
  place: (request) => (request === undefined ? 'on branch' : `in pull request #${request}, branch`),
  summary: ({ branch = '', perInput, labels = [], merge = 'never' }) =>
    ` (${[branch, ...(perInput === true ? ['one for each input'] : []), ...labels, ...(merge === 'never' ? [] : [`merged by ${merge}`])].join(', ')})`,
};
