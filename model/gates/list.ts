import { BadInput } from '../checks/names.js';
import { parseGate, type Gate } from './gate.js';

const LONGEST_SECONDS = 7 * 24 * 3600;

export interface GateWishes {
  /** Gates that have to hold, and those whose failure is only reported: `NAME=COMMAND`, or a preset's name. */
  readonly required: readonly string[];
  readonly warning: readonly string[];
  readonly timeoutSeconds: number;
}

/** What the wishes are called where they were written. */
export type GateFields = Readonly<Record<keyof GateWishes, string>>;

/**
 * The gates of a run, by name, so that the same gates in another order are the same update.
 * @throws BadInput for a gate that cannot be read, two of one name, and a time limit that is too long
 */
export function gateList(wishes: GateWishes, fields: GateFields): readonly Gate[] {
  const { timeoutSeconds } = wishes;
  if (timeoutSeconds > LONGEST_SECONDS)
    throw new BadInput(fields.timeoutSeconds, `${timeoutSeconds} s`, 'is longer than 7d: no gate may run that long.');
  const gates = [
    ...wishes.required.map((text) => ({ ...parseGate(text, fields.required), timeoutSeconds, required: true })),
    ...wishes.warning.map((text) => ({ ...parseGate(text, fields.warning), timeoutSeconds, required: false })),
  ].sort((one, other) => (one.name < other.name ? -1 : 1));
  const twice = gates.find(({ name }, index) => gates[index + 1]?.name === name);
  if (twice !== undefined)
    throw new BadInput(fields.required, twice.name, 'is the name of two gates: rename one of them.');
  return gates;
}
