import { BadInput, checkInputName } from '../model/names.js';
import { FAILURE_STEPS } from '../model/run.js';
import type { FailureStep, Landing, PinnedInput, RunOptions } from '../model/run.js';
import { CommandError } from './errors.js';
import type { UpdateFlags } from './update-flags.js';

/** Some five inputs of a hundred can be found with so many. */
const PROBE_BUDGET = 32;
const ALARM_SECONDS = 14 * 86_400;

/** What is done when a required host breaks, from what a person typed. */
export function failurePolicy(
  flags: UpdateFlags,
  landing: Landing,
  hasAgent: boolean,
): Required<Pick<RunOptions, 'onFailure' | 'holdBack'>> {
  const never = [...new Set((flags.neverHoldBack ?? []).map((name) => checkInputName(name, '--never-hold-back')))];
  const pinned = (flags.pin ?? []).map(pinnedInput);
  const inputs = pinned.map(({ input }) => input);
  const twice = inputs.find((input, index) => inputs.indexOf(input) !== index);
  if (twice !== undefined) throw new CommandError(`--pin names ${twice} twice: leave one of them out.`);
  const both = inputs.find((input) => never.includes(input));
  if (both !== undefined)
    throw new CommandError(`--pin keeps ${both} back, but --never-hold-back says never: leave one of them out.`);
  return {
    onFailure: failureSteps(flags.onFailure, landing, hasAgent),
    holdBack: {
      never: never.sort(),
      pinned: pinned.sort((one, other) => (one.input < other.input ? -1 : 1)),
      probeBudget: PROBE_BUDGET,
      alarmSeconds: flags.heldBackAlarm ?? ALARM_SECONDS,
    },
  };
}

/** By default an agent is asked if there is one, and inputs are held back where a person looks before main moves. */
function failureSteps(
  given: readonly string[] | undefined,
  landing: Landing,
  hasAgent: boolean,
): readonly FailureStep[] {
  if (given === undefined) {
    const others: readonly FailureStep[] = landing.mode === 'merge' ? ['report'] : ['hold-back', 'report'];
    return hasAgent ? ['autofix', ...others] : others;
  }
  if (given.includes('autofix') !== hasAgent) {
    throw new CommandError(
      hasAgent
        ? '--autofix names an agent, but --on-failure does not ask it: add autofix to the list.'
        : '--on-failure asks an agent, but there is none: name its command with --autofix.',
    );
  }
  const steps = given.map((word) => {
    const step = FAILURE_STEPS.find((each) => each === word);
    if (step !== undefined) return step;
    throw new CommandError(`--on-failure "${word}" is none of ${FAILURE_STEPS.join(', ')}.`);
  });
  const repeated = steps.find((step, index) => steps.indexOf(step) !== index);
  if (repeated !== undefined) throw new CommandError(`--on-failure names ${repeated} twice: each step is tried once.`);
  const last = steps.find((step, index) => (step === 'report' || step === 'leave-behind') && index < steps.length - 1);
  if (last !== undefined) {
    throw new CommandError(
      `--on-failure ${steps.join(',')}: nothing is left to do after ${last}, so put it at the end.`,
    );
  }
  return steps;
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
  const day = new Date(`${until}T00:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(until) || Number.isNaN(day.getTime()) || !day.toISOString().startsWith(until))
    throw new BadInput('--pin', text, `names no day: "${until}" is no date such as 2026-12-31.`);
  return { input: checkInputName(input, '--pin'), until, reason };
}
