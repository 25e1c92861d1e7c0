import { BadInput, checkDay, checkInputName } from '../../model/checks/names.js';
import { checkFailureSteps, checkPinned } from '../../model/run/failure-steps.js';
import { HELD_BACK_ALARM_SECONDS, PROBE_BUDGET, usualFailureSteps } from '../../model/run/defaults.js';
import type { FailureStep, Landing, PinnedInput, RunOptions } from '../../model/run/options.js';
import { CommandError } from '../errors.js';
import type { UpdateFlags } from './update-flags.js';

/** What is done when a required host breaks, from what a person typed. */
export function failurePolicy(
  flags: UpdateFlags,
  landing: Landing,
  hasAgent: boolean,
): Required<Pick<RunOptions, 'onFailure' | 'holdBack'>> {
  const never = [...new Set((flags.neverHoldBack ?? []).map((name) => checkInputName(name, '--never-hold-back')))];
  const pinned = (flags.pin ?? []).map(pinnedInput);
  checkPinned(pinned, never, ['--pin', '--never-hold-back']);
  return {
    onFailure: failureSteps(flags.onFailure, landing, hasAgent),
    holdBack: {
      never: never.sort(),
      pinned: pinned.sort((one, other) => (one.input < other.input ? -1 : 1)),
      probeBudget: PROBE_BUDGET,
      alarmSeconds: flags.heldBackAlarm ?? HELD_BACK_ALARM_SECONDS,
    },
  };
}

function failureSteps(
  given: readonly string[] | undefined,
  landing: Landing,
  hasAgent: boolean,
): readonly FailureStep[] {
  if (given === undefined) return usualFailureSteps(landing.mode, hasAgent);
  if (given.includes('autofix') !== hasAgent) {
    throw new CommandError(
      hasAgent
        ? '--autofix names an agent, but --on-failure does not ask it: add autofix to the list.'
        : '--on-failure asks an agent, but there is none: name its command with --autofix.',
    );
  }
  return checkFailureSteps(given, '--on-failure');
}

/** `INPUT YYYY-MM-DD REASON` in one word of the shell. */
function pinnedInput(text: string): PinnedInput {
  const [, input = '', until = '', reason = ''] = /^\s*(\S+)\s+(\S+)\s+(\S.*?)\s*$/su.exec(text) ?? [];
  if (input === '')
    throw new BadInput(
      '--pin',
      text,
      'is no input, last day and reason, such as "nixpkgs 2026-12-31 zfs lags behind".',
    );
  return { input: checkInputName(input, '--pin'), until: checkDay(until, '--pin'), reason };
}
