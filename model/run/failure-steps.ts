import { BadInput } from '../checks/names.js';
import { FAILURE_STEPS, type FailureStep, type PinnedInput } from './options.js';

/**
 * Checks what is to be tried when a required host breaks.
 * @throws BadInput for words that are no steps, steps named twice, and steps after which nothing is left to do
 */
export function checkFailureSteps(words: readonly string[], field: string): readonly FailureStep[] {
  const refuse = (reason: string): BadInput => new BadInput(field, words.join(','), reason);
  const steps = words.map((word) => {
    const step = FAILURE_STEPS.find((each) => each === word);
    if (step === undefined) throw new BadInput(field, word, `is not one of ${FAILURE_STEPS.join(', ')}.`);
    return step;
  });
  if (steps.length === 0) throw refuse(`is empty: name steps of ${FAILURE_STEPS.join(', ')}.`);
  const repeated = steps.find((step, index) => steps.indexOf(step) !== index);
  if (repeated !== undefined) throw refuse(`names ${repeated} twice: each step is tried once.`);
  const last = steps.find((step, index) => (step === 'report' || step === 'leave-behind') && index < steps.length - 1);
  if (last !== undefined) throw refuse(`is refused: nothing is left to do after ${last}, so put it at the end.`);
  return steps;
}

/** Checks that no input is pinned twice, or pinned and never held back. @param fields where both stand */
export function checkPinned(
  pinned: readonly PinnedInput[],
  never: readonly string[],
  [pins, nevers]: readonly [pins: string, nevers: string],
): void {
  const inputs = pinned.map(({ input }) => input);
  const twice = inputs.find((input, index) => inputs.indexOf(input) !== index);
  if (twice !== undefined) throw new BadInput(pins, twice, 'is named twice: leave one of them out.');
  const both = inputs.find((input) => never.includes(input));
  if (both !== undefined) {
    throw new BadInput(pins, both, `is kept back, but ${nevers} says never: leave one of them out.`);
  }
}
