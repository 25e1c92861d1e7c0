import type { Gate } from '../gates/gate.js';
import { gateList } from '../gates/list.js';
import type { InstanceOptions } from './options.js';

/**
 * The gates of an instance.
 * @param where what its options' names begin with in messages
 * @throws BadInput for options that do not fit together
 */
export const gatesOf = (
  { gates, gatesWarn, gateTimeoutSec }: Pick<InstanceOptions, 'gates' | 'gatesWarn' | 'gateTimeoutSec'>,
  where = '',
): readonly Gate[] =>
  gateList(
    { required: gates, warning: gatesWarn, timeoutSeconds: gateTimeoutSec },
    { required: `${where}gates`, warning: `${where}gatesWarn`, timeoutSeconds: `${where}gateTimeoutSec` },
  );
