import type { SourceAttributes } from '../../model/flake-lock/types.js';
import type { NixSettings } from '../../model/run/options.js';
import { namesExpression, type LookedPath } from '../../model/nix/names-expression.js';
import { optionPairs, PATIENCE } from '../../model/nix/options.js';
import { attributePath, nixString } from '../../model/nix/text.js';
import { DEFAULT_KIND, outputKinds, type FlakeTarget } from '../../model/targets/index.js';
import type { AnyTarget, OutputKind } from '../../model/targets/types.js';
import { hasWildcard } from '../../model/text/wildcard.js';

export interface TreatedSettings extends NixSettings {
  /** Whether the candidate holds what an agent wrote. */
  readonly distrusted?: true;
}

/** Flakes are off by default; every one of our commands asks for them itself. */
const FLAKES = ['--extra-experimental-features', 'nix-command flakes'] as const;

/**
 * What every evaluation gets. The owner's options come first and ours last, so that only the run's own settings decide
 * whether the flake's `nixConfig` is accepted and whether evaluation is pure (`nix-instantiate` is not by default).
 */
export const evaluationOptions = (settings: NixSettings): string[] => [
  ...optionPairs([PATIENCE, ...settings.options]),
  ...FLAKES,
  ...optionPairs([
    ['accept-flake-config', String(settings.acceptFlakeConfig)],
    ['pure-eval', String(!settings.impure)],
    ['warn-dirty', 'false'],
  ]),
];

/**
 * Arguments of `nix` that lock what the lock of the flake in the current folder lacks, as upstream has it now, and leave the
 * rest as it is. Nix asks a server of files that does not answer twice rather than five times: there may be many of them, one
 * after the other, and those that gave no answer are asked once more. The owner's options override that.
 */
export const lockFlake = (settings: NixSettings): string[] => [
  'flake',
  'lock',
  ...evaluationOptions({ ...settings, options: [['download-attempts', '2'], ...settings.options] }),
];

/**
 * The same, with a store of its own in a folder that only the worker's user can read: what a flake's inputs ask for in turn is not
 * known before it is fetched, and may be a folder that others are not to read.
 */
export const lockFlakeApart = (settings: NixSettings, store: string): string[] => [
  ...lockFlake(settings),
  ...apart(store),
];

const apart = (store: string): string[] => [
  ...optionPairs([
    // Of a store for one user; and nothing is to be had for it from elsewhere.
    ['build-users-group', ''],
    ['substitute', 'false'],
  ]),
  '--store',
  store,
];

/**
 * Arguments of `nix` that print the names that an output of a flake has as JSON. Only the names are evaluated, so one that throws
 * hides no other. Nix's own cache of evaluations is off, for it also remembers failures.
 */
export const evaluateNames = (output: string, flakeUrl: string, settings: NixSettings): string[] => [
  'eval',
  ...evaluationOptions(settings),
  ...optionPairs([['eval-cache', 'false']]),
  '--no-update-lock-file',
  '--json',
  '--apply',
  'builtins.attrNames',
  '--',
  `${flakeUrl}#${output}`,
];

/** Arguments of `nix` that print what paths in a flake's outputs lead to as JSON: a list of `NamedSet`. */
export const evaluateSets = (flakeUrl: string, looked: readonly LookedPath[], settings: NixSettings): string[] => [
  'eval',
  ...evaluationOptions(settings),
  '--json',
  '--expr',
  namesExpression(flakeUrl, looked),
];

/** Arguments of `nix` that print the names of all outputs of a flake as JSON. */
export const evaluateOutputNames = (flakeUrl: string, settings: NixSettings): string[] => [
  'eval',
  ...evaluationOptions(settings),
  '--json',
  '--expr',
  `builtins.attrNames (builtins.getFlake ${nixString(flakeUrl)}).outputs`,
];

/**
 * Arguments of `nix-instantiate` that write a target's derivation to the store and keep it from collection by `root`.
 * `builtins.getFlake` has no flag for locks: it never writes one, and pure evaluation refuses one that is incomplete.
 */
export function instantiateTarget(
  { kind, name }: FlakeTarget,
  flakeUrl: string,
  root: string,
  settings: NixSettings,
): string[] {
  const of = outputKinds[kind] as OutputKind<AnyTarget>;
  const path = of.path(name);
  // What stands for a set that could not be looked into. Of hosts, names may hold whatever they like.
  const unknown = kind === DEFAULT_KIND ? -1 : path.findIndex(hasWildcard);
  const isSet = unknown !== -1;
  const place = attributePath(isSet ? path.slice(0, unknown) : [...path, ...of.derivation]);
  const what = of.derivation.length === 0 || isSet ? place : attributePath(of.derivation);
  const fault = isSet ? `${what} evaluates again: the next run verifies what it holds` : `${what} is not a derivation`;
  const built = of.built === undefined ? 'target' : `(${of.built}) target`;
  return [
    ...evaluationOptions(settings),
    '--add-root',
    root,
    '--expr',
    `let target = (builtins.getFlake ${nixString(flakeUrl)}).${place}; in if (target.type or null) == "derivation" then ${built} else throw ${nixString(fault)}`,
  ];
}

/** Arguments of `nix-instantiate` that bring a flake's source into the store. */
export const fetchFlake = (flakeUrl: string, settings: NixSettings): string[] => [
  ...evaluationOptions(settings),
  '--eval',
  '--read-write-mode',
  '--expr',
  `(builtins.getFlake ${nixString(flakeUrl)}).outPath`,
];

/** Arguments of `nix-instantiate` that print what an expression makes of a locked source, as JSON. @param rest after `let`, where `tree` is the source */
const ofSource = (source: object, settings: NixSettings, rest: string, store?: string): string[] => [
  ...evaluationOptions({ ...settings, impure: false }),
  ...(store === undefined ? [] : apart(store)),
  '--eval',
  '--strict',
  '--json',
  '--read-write-mode',
  '--expr',
  `let
      tree = builtins.fetchTree (builtins.fromJSON ${nixString(JSON.stringify(source))});${rest}`,
];

/** Arguments of `nix-instantiate` that print `flake.nix` and `flake.lock` of a locked source as JSON; `null` for what it lacks. */
export const readSource = (locked: SourceAttributes, settings: NixSettings): string[] => {
  const { dir, ...source } = Object.fromEntries(locked);
  const folder = typeof dir === 'string' && dir !== '' ? `/${dir}` : '';
  return ofSource(
    source,
    settings,
    `
      text = name: let file = tree + ${nixString(folder)} + "/\${name}"; in if builtins.pathExists file then builtins.readFile file else null;
    in { flake = text "flake.nix"; lock = text "flake.lock"; }`,
  );
};

/**
 * Arguments of `nix-instantiate` that print `.gitmodules` of a locked source as a JSON list: of each folder (`/a/b`, or nothing for the top)
 * its text, `null` where it has none.
 * @param store of `lockFlakeApart` that has it; default: the machine's
 */
export const readSubmodules = (
  locked: SourceAttributes,
  folders: readonly string[],
  settings: NixSettings,
  store?: string,
): string[] => {
  const source = Object.fromEntries([...locked].filter(([name]) => name !== 'dir'));
  return ofSource(
    source,
    settings,
    `
      text = folder: let file = tree + folder + "/.gitmodules"; in if builtins.pathExists file then builtins.readFile file else null;
    in map text (builtins.fromJSON ${nixString(JSON.stringify(folders))})`,
    store,
  );
};

/** Arguments of `nix` that check a flake, all that is wrong with it. */
export const checkFlake = (settings: NixSettings, flakeUrl?: string, more: readonly string[] = []): string[] => [
  ...['flake', 'check', ...evaluationOptions(settings), '--no-update-lock-file', '--keep-going', '--print-build-logs'],
  ...more,
  ...(flakeUrl === undefined ? [] : ['--', flakeUrl]),
];

const formatterOf = (flakeUrl: string, system: string): string => `${flakeUrl}#formatter.${system}`;

/** Arguments of `nix` that build a flake's formatter, and keep it by `root`. */
export const buildFormatter = (flakeUrl: string, system: string, root: string, settings: NixSettings): string[] => [
  ...['build', ...evaluationOptions(settings), '--no-update-lock-file', '--print-build-logs', '--out-link', root],
  ...['--', formatterOf(flakeUrl, system)],
];

/** Arguments of `nix` that print the path of a formatter's program, as `nix fmt` finds it. Nothing is built. */
export const evaluateFormatter = (flakeUrl: string, system: string, settings: NixSettings): string[] => [
  ...['eval', ...evaluationOptions(settings), '--no-update-lock-file', '--raw', '--apply'],
  'f: "${f}/bin/${f.meta.mainProgram or f.pname or (builtins.parseDrvName f.name).name}"',
  ...['--', formatterOf(flakeUrl, system)],
];

/**
 * Arguments of `nix` that write derivations to the store, and print as JSON what a function gives for an output of a flake. It is an
 * expression because Nix looks for `#checks.SYSTEM` in `packages` and `legacyPackages` first.
 * @param output attributes one below the other
 */
export const evaluateDerivations = (
  flakeUrl: string,
  output: readonly string[],
  apply: string,
  settings: NixSettings,
): string[] => [
  ...['eval', ...evaluationOptions(settings), ...optionPairs([['eval-cache', 'false']]), '--json', '--expr'],
  `(${apply}) (builtins.getFlake ${nixString(flakeUrl)}).${attributePath(output)}`,
];

/** Arguments of `nix-instantiate` that evaluate an expression from standard input, and print its value as JSON. */
export const evaluateData = (settings: NixSettings): string[] => [
  '--eval',
  '--strict',
  '--json',
  '--read-write-mode',
  ...evaluationOptions(settings),
  '-',
];

/** Arguments of `nix-instantiate` that print the system of this machine. */
export const evaluateSystem = (settings: NixSettings): string[] => [
  ...['--eval', ...optionPairs(settings.options), '--option', 'pure-eval', 'false', '--expr', 'builtins.currentSystem'],
];

/** Arguments of `nix` that copy a flake and all its inputs, as its lock names them, to another store on this machine. */
export const copyInputs = (flakeUrl: string, store: string, settings: NixSettings): string[] => [
  'flake',
  'archive',
  ...evaluationOptions(settings),
  '--no-update-lock-file',
  // Users that build for others are the machine's.
  ...optionPairs([['build-users-group', '']]),
  '--to',
  store,
  '--',
  flakeUrl,
];

/** Arguments of `nix` that print as JSON what the store knows of paths and of all that they refer to. Nothing is fetched. */
export const pathInfo = (storePaths: readonly string[], which: 'closure' | 'alone' = 'closure'): string[] => [
  'path-info',
  ...FLAKES,
  ...optionPairs([['substitute', 'false']]),
  ...(which === 'closure' ? ['--recursive'] : []),
  '--json',
  '--',
  ...storePaths,
];

/** Arguments of `nix-store` that print the derivations below one, and those of their outputs that are in the store. */
export const storedOutputs = (drvPath: string): string[] => [
  '--query',
  '--requisites',
  '--include-outputs',
  '--',
  drvPath,
];

/** The same of a binary cache, which is asked once and not for long; what the paths refer to is left out. */
export const pathInfoOfCache = (storePaths: readonly string[], cache: string, settings: NixSettings): string[] => [
  'path-info',
  ...FLAKES,
  ...optionPairs([['connect-timeout', '2'], ['download-attempts', '1'], ...settings.options]),
  '--store',
  cache,
  '--json',
  '--',
  ...storePaths,
];

/** Arguments of `nix-instantiate` that root a derivation which is in the store already: nothing is evaluated or built. */
export const rootDerivation = (drvPath: string, root: string): string[] => [
  ...FLAKES,
  '--add-root',
  root,
  '--expr',
  `import (/. + ${nixString(drvPath)})`,
];

/** Arguments of `nix-instantiate` that evaluate standard input as data: nothing is read, fetched or built. */
export const evaluateRestricted = (): string[] => [
  '--eval',
  '--strict',
  '--json',
  ...FLAKES,
  ...optionPairs([
    ['restrict-eval', 'true'],
    ['allowed-uris', ''],
    ['allow-import-from-derivation', 'false'],
    // Restricted evaluation may read what NIX_PATH names; pure evaluation has no such path.
    ['pure-eval', 'true'],
  ]),
  '-',
];
