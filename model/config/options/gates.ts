import { parseGate } from '../../gates/gate.js';
import { gateList, type GateFields } from '../../gates/list.js';
import type { RunOptions } from '../../run/options.js';
import { listOf, span, text } from '../kinds.js';
import { option, type Values } from './types.js';

const gate = text('the name of a known gate, or "NAME=COMMAND"', (value, field) => {
  parseGate(value, field);
  return value;
});

export const gates = {
  gates: option(
    listOf(gate, 'gates'),
    [],
    '["flake-check", "unused=deadnix --fail hosts"]',
    'checks of the whole flake beside the builds, all of which have to pass: `NAME=COMMAND`, or one of `flake-check`, `fmt`, `statix`, `deadnix`',
    { flag: '--gate <gate>' },
  ),
  gatesWarn: option(listOf(gate, 'gates'), [], '["statix"]', 'the same, but a failure is only reported', {
    flag: '--gate-warn <gate>',
  }),
  gateTimeoutSec: option(span(1), 3600, '"2h"', 'how long each gate may run, at most a week', {
    flag: '--gate-timeout <span>',
    needs: ['gates', 'gatesWarn'],
  }),
};

/** @throws BadInput for gates that do not fit together, by the names that the options have where they were written */
export const gatesOf = (
  { gates: required, gatesWarn: warning, gateTimeoutSec: timeoutSeconds }: Values<typeof gates>,
  fields: GateFields = { required: 'gates', warning: 'gatesWarn', timeoutSeconds: 'gateTimeoutSec' },
): Required<Pick<RunOptions, 'gates'>> => ({ gates: gateList({ required, warning, timeoutSeconds }, fields) });
