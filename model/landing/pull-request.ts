import type { WayOfLanding } from './types.js';

/** A pull request for a person to merge: of a branch that each update takes over from the one before, or of one of its own. */
export const pullRequest: WayOfLanding = {
  lands: true,
  movesMain: false,
  makesBranches: true,
  asksForge: true,
  holdsBack: true,
  intent: ({ repository: { mainBranch, displayUrl }, landing: { branch = '', perInput, perRun } }) =>
    perInput === true
      ? `will propose a branch ${branch}-INPUT for ${mainBranch} as a pull request at ${displayUrl}, for each input that moves`
      : `will propose ${perRun === true ? `a new branch ${branch}-…` : `branch ${branch}`} for ${mainBranch} as a pull request at ${displayUrl}`,
  step: () => 'push the branch of the pull request',
  outcome: 'Proposed',
  place: (request) => (request === undefined ? 'on branch' : `in pull request #${request}, branch`),
  summary: ({ branch = '', perInput, perRun, labels = [], merge = 'never' }) =>
    ` (${[branch, ...(perInput === true ? ['one for each input'] : []), ...(perRun === true ? ['one for each update'] : []), ...labels, ...(merge === 'never' ? [] : [`merged by ${merge}`])].join(', ')})`,
};
