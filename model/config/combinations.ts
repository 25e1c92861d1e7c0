import { checkFailureSteps, checkPinned } from '../failure-steps.js';
import { inputOfTwoGroups } from '../input-groups.js';
import { BadInput } from '../names.js';
import { gatesOf } from './gates.js';
import { checkNixOptions, type Instance } from './options.js';

/** What cannot be meant together, though each option is right by itself: one message for each. */
export function impossible(instance: Instance, where: string): string[] {
  return RULES.flatMap((rule) => {
    try {
      const fault = rule(instance, where);
      return fault === null ? [] : [new BadInput(`${where}.${fault.option}`, fault.value, fault.wayOut).message];
    } catch (error) {
      if (error instanceof BadInput) return [error.message];
      throw error;
    }
  });
}

interface Fault {
  readonly option: string;
  readonly value: string;
  readonly wayOut: string;
}

type Rule = (instance: Instance, where: string) => Fault | null;

const fault = (option: string, value: unknown, wayOut: string): Fault => ({
  option,
  value: typeof value === 'string' ? value : JSON.stringify(value ?? null),
  wayOut,
});

const RULES: readonly Rule[] = [
  ({ repoPath, repoUrl }) => {
    if (repoPath === null && repoUrl === null)
      return fault('repoPath', '', 'is missing: name the folder of the flake, or its repository with repoUrl.');
    if (repoPath !== null && repoUrl !== null)
      return fault('repoUrl', repoUrl, 'names the repository a second time, beside repoPath: leave one of them out.');
    return null;
  },
  ({ repoUrl, gitRemote }) =>
    repoUrl !== null && gitRemote !== null
      ? fault(
          'gitRemote',
          gitRemote,
          'names a remote of a checkout, but repoUrl is an address already: leave one of them out.',
        )
      : null,
  ({ flakeInputs, excludeInputs }) =>
    flakeInputs.length > 0 && excludeInputs.length > 0
      ? fault(
          'excludeInputs',
          excludeInputs.join(', '),
          'leaves inputs out of all, but flakeInputs names them already: leave one of them out.',
        )
      : null,
  ({ flakeInputs, excludeInputs, inputGroups }) => {
    if (inputGroups.length === 0) return null;
    const twice = inputOfTwoGroups(inputGroups);
    if (twice !== null) return fault('inputGroups', twice, 'is in two groups: take it out of one.');
    if (inputGroups.some((group) => group.length === 0))
      return fault('inputGroups', inputGroups, 'has an empty group: name inputs in it, or take it out.');
    const other = flakeInputs.length > 0 ? 'flakeInputs' : excludeInputs.length > 0 ? 'excludeInputs' : null;
    return other === null
      ? null
      : fault('inputGroups', inputGroups, `says which inputs move, and so does ${other}: leave one of them out.`);
  },
  ({ buildSystems, exclude }) =>
    buildSystems.length > 0 && exclude !== null
      ? fault(
          'exclude',
          exclude,
          'leaves hosts out of all, but buildSystems names them already: leave one of them out.',
        )
      : null,
  ({ buildSystems, require }) => {
    const missing =
      require === 'all' || buildSystems.length === 0 ? [] : require.filter((name) => !buildSystems.includes(name));
    return missing.length === 0
      ? null
      : fault('require', missing.join(', '), 'is not built by this instance: add it to buildSystems.');
  },
  ({ approval, dryRun }) =>
    approval.enable && dryRun
      ? fault('approval.enable', true, 'asks before landing, but dryRun lands nothing: leave one of them out.')
      : null,
  ({ onFailure, autoFix }, where) => {
    if (onFailure === null) return null;
    checkFailureSteps(onFailure, `${where}.onFailure`);
    if (onFailure.includes('autofix') === autoFix.enable) return null;
    return autoFix.enable
      ? fault('onFailure', onFailure, 'does not ask the agent of autoFix.enable: add "autofix", or disable the agent.')
      : fault('onFailure', onFailure, 'asks an agent, but there is none: set autoFix.enable, or take "autofix" out.');
  },
  ({ pinnedInputs, neverHoldBack }, where) => {
    checkPinned(pinnedInputs, neverHoldBack, [`${where}.pinnedInputs`, 'neverHoldBack']);
    return null;
  },
  (instance, where) => {
    gatesOf(instance, `${where}.`);
    return null;
  },
  ({ nixOptions }, where) => {
    checkNixOptions(nixOptions, `${where}.nixOptions`);
    return null;
  },
];

/** What is allowed and still deserves a word: options that do nothing as they are. */
export function idle({ name, ntfyServer, ntfyTopic, inboxOrg, approval, enable, successAlarmSec }: Instance): string[] {
  const where = `instances.${name}`;
  const lacking = ntfyServer === null ? 'ntfyServer' : 'ntfyTopic';
  return [
    ...(enable ? [] : [`${where} has no schedule: enable is false`]),
    ...((ntfyServer === null) === (ntfyTopic === null)
      ? []
      : [`${where} sends no ntfy messages: ${lacking} is not given`]),
    ...(approval.enable && ntfyTopic === null
      ? [`${where} asks for approval, and tells nobody: give ntfyServer and ntfyTopic`]
      : []),
    ...(successAlarmSec !== null && enable && ntfyTopic === null && inboxOrg === null
      ? [`${where} has successAlarmSec, and tells nobody: give ntfyServer and ntfyTopic, or inboxOrg`]
      : []),
  ];
}
