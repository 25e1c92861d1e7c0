/**
 * Seconds in which a server has to take a connection, five times over. Before 2.34 Nix set no limit: one that answers
 * nothing at all was waited for more than ten minutes, without a word. The owner's `--nix-option` overrides it.
 */
export const PATIENCE = ['connect-timeout', '15'] as const;

export const optionPairs = (pairs: readonly (readonly [name: string, value: string])[]): string[] =>
  pairs.flatMap(([name, value]) => ['--option', name, value]);
