import type { DeclaredOption } from './declared-option.js';

export type PruneOptionName = 'stateDir' | 'dryRun' | 'olderThan' | 'maxSize' | 'json';

/** The options of `prune`, by the names under which commander gives their values. */
export const PRUNE_OPTIONS: Readonly<Record<PruneOptionName, DeclaredOption>> = {
  stateDir: { flags: '--state-dir <folder>', description: 'which state directory' },
  dryRun: { flags: '--dry-run', description: 'say what would be removed, and remove nothing' },
  olderThan: { flags: '--older-than <span>', description: 'age of what is removed, at least 1d (default: by kind)' },
  maxSize: { flags: '--max-size <size>', description: 'how much all build logs together may take (default: 2G)' },
  json: { flags: '--json', description: 'the result as JSON' },
};
