import { parseGate, type Gate } from '../model/gates/gate.js';
import { CommandError } from './errors.js';
import type { UpdateFlags } from './update-flags.js';

const HOUR = 3600;
const LONGEST = 7 * 24 * HOUR;

/** The gates of an update, by name, so that the same gates in another order are the same update. */
export function gatesOf({ gate = [], gateWarn = [], gateTimeout }: UpdateFlags): readonly Gate[] {
  if (gateTimeout !== undefined && gate.length + gateWarn.length === 0)
    throw new CommandError('--gate-timeout is for runs with gates: add --gate or --gate-warn.');
  const timeoutSeconds = gateTimeout ?? HOUR;
  if (timeoutSeconds > LONGEST) throw new CommandError('--gate-timeout is longer than 7d: no gate may run that long.');
  const gates = [
    ...gate.map((text) => ({ ...parseGate(text), timeoutSeconds, required: true })),
    ...gateWarn.map((text) => ({ ...parseGate(text, '--gate-warn'), timeoutSeconds, required: false })),
  ].sort((one, other) => (one.name < other.name ? -1 : 1));
  const twice = gates.find(({ name }, index) => gates[index + 1]?.name === name);
  if (twice !== undefined)
    throw new CommandError(`There are two gates with the name ${twice.name}: rename one of them.`);
  return gates;
}
