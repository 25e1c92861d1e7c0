import { checkHostName, checkInputName, checkRegExp } from '../../checks/names.js';
import type { RunOptions } from '../../run/options.js';
import { commaList, listOf, maybe, text, wordOr } from '../kinds.js';
import { option, type Values } from './types.js';

const host = text('the name of a host', checkHostName);
export const input = text('the name of an input', checkInputName);

export const contents = {
  flakeInputs: option(
    commaList(input, 'inputs'),
    [],
    '["nixpkgs", "home-manager"]',
    'update only these inputs (default: all)',
    { flag: '--input <name>' },
  ),
  excludeInputs: option(commaList(input, 'inputs'), [], '["hardware"]', 'update all inputs but these', {
    flag: '--exclude-input <name>',
  }),
  inputGroups: option(
    listOf(listOf(input, 'inputs'), 'lists of inputs'),
    [],
    '[["nixpkgs", "home-manager"], ["hardware"]]',
    'groups of inputs, of which each run moves one, in turn; inputs in no group stay',
  ),
  buildSystems: option(
    commaList(host, 'hosts'),
    [],
    '["okinawa", "kyushu"]',
    'build only these hosts of `nixosConfigurations` (default: all)',
    { flag: '--host <name>' },
  ),
  exclude: option(
    maybe(text('a regular expression', checkRegExp)),
    null,
    '".*-minimal"',
    'leave out hosts whose whole name matches this regular expression, when all are built',
    { flag: '--exclude <pattern>' },
  ),
  require: option(
    wordOr('all', commaList(host, 'hosts')),
    'all',
    '["okinawa"]',
    'hosts that must build for anything to land',
    { flag: '--require <hosts>' },
  ),
};

export const sorted = (names: readonly string[]): readonly string[] => [...new Set(names)].sort();

export const contentsOf = ({
  buildSystems,
  exclude,
  require,
  flakeInputs,
  excludeInputs,
  inputGroups,
}: Values<typeof contents>): Pick<RunOptions, 'targets' | 'require' | 'inputs' | 'excludeInputs' | 'inputGroups'> => ({
  targets: { hosts: buildSystems.length === 0 ? 'all' : sorted(buildSystems), exclude },
  require: require === 'all' ? 'all' : sorted(require),
  inputs: flakeInputs.length === 0 ? 'all' : sorted(flakeInputs),
  ...(excludeInputs.length === 0 ? {} : { excludeInputs: sorted(excludeInputs) }),
  ...(inputGroups.length === 0 ? {} : { inputGroups: inputGroups.map(sorted) }),
});
