import type { NixSettings } from '../../../model/run/options.js';
import { optionPairs, PATIENCE } from '../../../model/nix/options.js';

/** Ten hours for one derivation, and two without a line of output; `--nix-option` overrides them. */
const LIMITS = [
  ['timeout', '36000'],
  ['max-silent-time', '7200'],
] as const;

/**
 * Command that builds one derivation and roots its output. `nix build` of a derivation path means other things in other
 * versions; this means the same from 2.8 to 2.34, and reports every failure. The log format begins each line of a
 * builder with `name> `: people can read parallel builds, and no builder can write a line that looks like Nix's own.
 */
export const realise = (drvPath: string, root: string, settings: NixSettings): string[] => [
  'nix-store',
  '--realise',
  '--keep-going',
  '--log-format',
  'bar-with-logs',
  ...optionPairs([PATIENCE, ...LIMITS, ...settings.options]),
  '--add-root',
  root,
  '--',
  drvPath,
];

/** Arguments of `nix-store` that root a path if it is there, and fail if it is not: nothing is built or fetched. */
export const rootPath = (storePath: string, root: string): string[] => [
  '--realise',
  ...optionPairs([['substitute', 'false']]),
  '--add-root',
  root,
  '--',
  storePath,
];

/** Arguments of `nix-store` that print the log of a derivation's last build on this machine; no cache is asked. */
export const readBuilderLog = (drvPath: string): string[] => [
  '--read-log',
  ...optionPairs([['substituters', '']]),
  '--',
  drvPath,
];
