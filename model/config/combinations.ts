import { checkPathPatterns } from '../checks/names.js';
import { checkFailureSteps, checkPinned } from '../run/failure-steps.js';
import { inputOfTwoGroups } from '../run/input-groups.js';
import { gatesOf } from './gates.js';
import { fault, rule, type Rule } from './rule.js';

/** What cannot be meant together, though each option is right by itself. */
export const COMBINATIONS: readonly Rule[] = [
  rule(['repoPath', 'repoUrl'], ({ repoPath, repoUrl }) => {
    if (repoPath === null && repoUrl === null)
      return fault('repoPath', '', 'is missing: name the folder of the flake, or its repository with repoUrl.');
    if (repoPath !== null && repoUrl !== null)
      return fault('repoUrl', repoUrl, 'names the repository a second time, beside repoPath: leave one of them out.');
    return null;
  }),
  rule(['repoUrl', 'gitRemote'], ({ repoUrl, gitRemote }) =>
    repoUrl !== null && gitRemote !== null
      ? fault(
          'gitRemote',
          gitRemote,
          'names a remote of a checkout, but repoUrl is an address already: leave one of them out.',
        )
      : null,
  ),
  rule(['flakeInputs', 'excludeInputs'], ({ flakeInputs, excludeInputs }) =>
    flakeInputs.length > 0 && excludeInputs.length > 0
      ? fault(
          'excludeInputs',
          excludeInputs.join(', '),
          'leaves inputs out of all, but flakeInputs names them already: leave one of them out.',
        )
      : null,
  ),
  rule(['inputGroups'], ({ inputGroups }) => {
    const twice = inputOfTwoGroups(inputGroups);
    return twice === null ? null : fault('inputGroups', twice, 'is in two groups: take it out of one.');
  }),
  rule(['inputGroups'], ({ inputGroups }) =>
    inputGroups.some((group) => group.length === 0)
      ? fault('inputGroups', inputGroups, 'has an empty group: name inputs in it, or take it out.')
      : null,
  ),
  rule(['flakeInputs', 'excludeInputs', 'inputGroups'], ({ flakeInputs, excludeInputs, inputGroups }) => {
    const other = flakeInputs.length > 0 ? 'flakeInputs' : excludeInputs.length > 0 ? 'excludeInputs' : null;
    return inputGroups.length === 0 || other === null
      ? null
      : fault('inputGroups', inputGroups, `says which inputs move, and so does ${other}: leave one of them out.`);
  }),
  rule(['buildSystems', 'exclude'], ({ buildSystems, exclude }) =>
    buildSystems.length > 0 && exclude !== null
      ? fault(
          'exclude',
          exclude,
          'leaves hosts out of all, but buildSystems names them already: leave one of them out.',
        )
      : null,
  ),
  rule(['buildSystems', 'require'], ({ buildSystems, require }) => {
    const missing =
      require === 'all' || buildSystems.length === 0 ? [] : require.filter((name) => !buildSystems.includes(name));
    return missing.length === 0
      ? null
      : fault('require', missing.join(', '), 'is not built by this instance: add it to buildSystems.');
  }),
  rule(['approval', 'dryRun'], ({ approval, dryRun }) =>
    approval.enable && dryRun
      ? fault('approval.enable', true, 'asks before landing, but dryRun lands nothing: leave one of them out.')
      : null,
  ),
  rule(['onFailure', 'autoFix'], ({ onFailure, autoFix }, where) => {
    if (onFailure === null) return null;
    checkFailureSteps(onFailure, `${where}.onFailure`);
    if (onFailure.includes('autofix') === autoFix.enable) return null;
    return autoFix.enable
      ? fault('onFailure', onFailure, 'does not ask the agent of autoFix.enable: add "autofix", or disable the agent.')
      : fault('onFailure', onFailure, 'asks an agent, but there is none: set autoFix.enable, or take "autofix" out.');
  }),
  rule(['autoFix'], ({ autoFix }, where) => {
    checkPathPatterns(autoFix.protectedPaths, `${where}.autoFix.protectedPaths`);
    return null;
  }),
  rule(['pinnedInputs', 'neverHoldBack'], ({ pinnedInputs, neverHoldBack }, where) => {
    checkPinned(pinnedInputs, neverHoldBack, [`${where}.pinnedInputs`, 'neverHoldBack']);
    return null;
  }),
  rule(['gates', 'gatesWarn', 'gateTimeoutSec'], (options, where) => {
    gatesOf(options, `${where}.`);
    return null;
  }),
];
