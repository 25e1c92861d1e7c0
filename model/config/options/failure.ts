import { checkDay } from '../../checks/names.js';
import { PROBE_BUDGET } from '../../run/defaults.js';
import { usualFailureSteps } from '../../landing/index.js';
import { FAILURE_STEPS, type LandingMode, type RunOptions } from '../../run/options.js';
import { commaList, flag, line, listOf, maybe, oneOf, record, span, text } from '../kinds.js';
import { input, sorted } from './contents.js';
import { option, type Values } from './types.js';

const pinnedInput = record(
  '{ input = "…", reason = "…", until = "YYYY-MM-DD" }',
  { input, reason: line, until: text('a date, "YYYY-MM-DD"', checkDay) },
  {
    pattern: /^\s*(?<input>\S+)\s+(?<until>\S+)\s+(?<reason>\S.*?)\s*$/su,
    wayOut: 'is not an input, a last day and a reason, such as "nixpkgs 2026-12-31 zfs lags behind".',
  },
);

export const failure = {
  onFailure: option(
    maybe(commaList(oneOf(FAILURE_STEPS), 'steps')),
    null,
    '["hold-back", "leave-behind"]',
    'steps to try when a required target breaks, in this order: `autofix` asks the agent, `hold-back` holds the inputs to blame back and lands the rest, `leave-behind` lands with the target broken, `report` lands nothing (default: `autofix` with `autoFix.enable`, then `hold-back` unless `land = "merge"`, then `report`)',
    {
      flag: '--on-failure <steps>',
      help: 'steps to try, in this order: `autofix`, `hold-back`, `leave-behind`, `report` (default: `hold-back,report`, with `--land merge` only `report`; with `--autofix`, `autofix` first)',
    },
  ),
  neverHoldBack: option(
    commaList(input, 'inputs'),
    [],
    '["nixpkgs"]',
    'never hold these inputs back, whatever breaks',
    { flag: '--never-hold-back <inputs>' },
  ),
  pinnedInputs: option(
    listOf(pinnedInput, 'pinned inputs'),
    [],
    '[{ input = "nixpkgs", reason = "kernel regression", until = "2027-01-31" }]',
    'inputs to keep back until a date (inclusive)',
    { flag: '--pin <text>', help: 'keep an input back until a date (inclusive): `"INPUT YYYY-MM-DD REASON"`' },
  ),
  heldBackAlarmSec: option(
    span(1),
    14 * 86_400,
    '"30d"',
    'raise an alarm when an input has been held back for this long',
    { flag: '--held-back-alarm <span>' },
  ),
};

export const failureFlags = {
  strict: option(
    flag,
    false,
    'true',
    'exit with 1 if an input was held back or not updated, or a host was already broken',
    {
      flag: '--strict',
    },
  ),
};

export const failureOf = (
  { onFailure, neverHoldBack, pinnedInputs, heldBackAlarmSec }: Values<typeof failure>,
  { land, hasAgent }: { readonly land: LandingMode; readonly hasAgent: boolean },
): Required<Pick<RunOptions, 'onFailure' | 'holdBack'>> => ({
  onFailure: onFailure ?? usualFailureSteps(land, hasAgent),
  holdBack: {
    never: sorted(neverHoldBack),
    pinned: [...pinnedInputs].sort((one, other) => (one.input < other.input ? -1 : 1)),
    probeBudget: PROBE_BUDGET,
    alarmSeconds: heldBackAlarmSec,
  },
});
