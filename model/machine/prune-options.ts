import { BadInput } from '../checks/names.js';
import { size, type Kind } from '../config/kinds.js';
import { DAY_MS, parseSpan } from '../text/span.js';
import { stateDirOption, type DeclaredOptions, type Given } from './declared-option.js';
import { LEAST_DAYS } from './retention.js';

/** Days. */
const age: Kind<number> = {
  words: 'a time span of at least a day',
  schema: { type: 'string' },
  read: (value, field) => {
    const days = (parseSpan(String(value)) ?? 0) / (DAY_MS / 1000);
    if (days >= LEAST_DAYS) return days;
    throw new BadInput(field, String(value), 'is not a time span of at least a day: give one such as 1d, 36h or 12w.');
  },
};

/** The options of `prune`, by the names under which commander gives their values. */
export const PRUNE_OPTIONS = {
  stateDir: stateDirOption('state directory to clean'),
  dryRun: { flags: '--dry-run', description: 'print the list without removing anything' },
  olderThan: {
    flags: '--older-than <span>',
    description: 'minimum age of files to remove, at least 1d (default: by kind)',
    kind: age,
  },
  maxSize: {
    flags: '--max-size <size>',
    description: 'most disk space for all build logs together (default: 2G)',
    kind: size(0),
  },
  json: { flags: '--json', description: 'the result as JSON' },
} satisfies DeclaredOptions;

export type PruneOptions = Given<typeof PRUNE_OPTIONS>;
