import type { Gate } from '../../model/gates/gate.js';
import { GATE_TIMEOUT_SECONDS, gateList } from '../../model/gates/list.js';
import { CommandError } from '../errors.js';
import type { UpdateFlags } from './update-flags.js';

/** The gates of an update, from what a person typed. */
export function gatesOf({ gate = [], gateWarn = [], gateTimeout }: UpdateFlags): readonly Gate[] {
  if (gateTimeout !== undefined && gate.length + gateWarn.length === 0)
    throw new CommandError('--gate-timeout is for runs with gates: add --gate or --gate-warn.');
  return gateList(
    { required: gate, warning: gateWarn, timeoutSeconds: gateTimeout ?? GATE_TIMEOUT_SECONDS },
    { required: '--gate', warning: '--gate-warn', timeoutSeconds: '--gate-timeout' },
  );
}
