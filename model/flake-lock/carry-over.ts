import type { UnfetchedInput } from '../verify/candidate.js';
import { composeWhatFits } from './compose-what-fits.js';
import { movedInputs } from './diff.js';
import { repointedInputs } from './repointed.js';
import type { FlakeLock } from './types.js';

interface CarriedOver {
  readonly lock: FlakeLock;
  /** Inputs of the candidate that stay as main has them although main did not move them, with the reason. */
  readonly left: readonly UnfetchedInput[];
}

/**
 * The lock of a main that moved meanwhile, with the inputs that the candidate moved. What main moved itself needs no update.
 * An input that main's `flake.nix` asks for otherwise than base's, in itself or below, stays as main has it: the candidate
 * has a form of it that Nix would write again.
 * @param locks.base the lock that the candidate started from
 * @param moved root inputs that the candidate moved
 */
export function carriedOver(
  { base, candidate, main }: { readonly base: FlakeLock; readonly candidate: FlakeLock; readonly main: FlakeLock },
  moved: readonly string[],
): CarriedOver {
  const movedByMain = movedInputs(base, main).map(({ name }) => name);
  const askedOtherwise = repointedInputs(base, main);
  // What base's lock lacks of its flake.nix, the candidate's has, even where no content differs.
  const wanted = [...new Set([...moved, ...repointedInputs(base, candidate)])];
  const waiting = wanted.filter((name) => !movedByMain.includes(name));
  const { lock, left } = composeWhatFits(
    main,
    candidate,
    waiting.filter((name) => !askedOtherwise.includes(name)),
  );
  const otherwise = waiting.filter((name) => askedOtherwise.includes(name) && main.root.inputs.has(name));
  return { lock, left: [...otherwise.map((name) => ({ name, reason: ASKED_OTHERWISE })), ...left] };
}

const ASKED_OTHERWISE = 'the main branch changed in flake.nix what is asked of it; the next update moves it';
