import { checkBranchName, checkHostName, checkInputName, checkRegExp } from '../../checks/names.js';
import { checkRequired, checkTargetPattern, TARGET_PREFIXES } from '../../targets/choose.js';
import { RUN_MODES, type Comparison, type RunMode, type RunOptions } from '../../run/options.js';
import { commaList, flag, listOf, maybe, oneOf, span, tableOf, text, wordOr } from '../kinds.js';
import { option, type Values } from './types.js';

const host = text('the name of a host', checkHostName);
const target = text('a kind and a name, such as "package:*"', checkTargetPattern);
const required = text('the name of a host, or a kind and a name', checkRequired);
export const input = text('the name of an input', checkInputName);

export const contents = {
  mode: option<RunMode>(
    oneOf(RUN_MODES),
    'update',
    '"verify"',
    'what a run does: `update` updates the lock and lands it; `verify` [builds the main branch](channels.md) as it is and lands nothing, so options for inputs, landing, approval and fixing have no effect',
  ),
  skipUpdate: option(
    flag,
    false,
    'true',
    'update and land nothing, and report [what a commit changes](commands.md#comparing-a-commit) compared with `against`: the commit that is checked out in `repoPath`, or with `repoUrl` the newest of `mainBranch`',
    {
      flag: '--skip-update',
      help: 'verify the checked-out commit (of a URL: the newest commit of `?ref=`) without updating or landing anything, and report its changes compared with `--against`',
    },
  ),
  against: option(
    maybe(text('a branch, a tag or a commit', checkBranchName)),
    null,
    '"release"',
    'what `skipUpdate` compares with: a branch, a tag or a commit of the remote (default: `mainBranch`)',
    {
      flag: '--against <ref>',
      help: 'compare with this instead of the main branch (needs `--skip-update`): a branch, a tag or a commit of the remote',
      needs: ['skipUpdate'],
    },
  ),
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
    'groups of inputs, of which each run moves one, in turn; inputs in no group stay. With `perInput`: which inputs share a pull request',
  ),
  cooldown: option(
    span(0),
    0,
    '"3d"',
    'move inputs only to revisions that are at least this old, by the dates of their commits (default: no minimum age)',
    { flag: '--cooldown <span>' },
  ),
  inputCooldown: option(
    tableOf(span(0), 'a table of inputs, such as { nixpkgs = "7d" }', (name, _, field) => checkInputName(name, field)),
    {},
    '{ nixpkgs = "7d", own-library = 0 }',
    'another `cooldown` for these inputs; 0 for none',
    { flag: '--input-cooldown <input>', help: 'another `--cooldown` for an input, such as `"nixpkgs 7d"`; 0 for none' },
  ),
  targets: option(
    commaList(target, 'targets'),
    [],
    '["nixos:*", "home:*", "!home:bob", "package:x86_64-linux.*"]',
    `build these: ${TARGET_PREFIXES.map((prefix) => `\`${prefix}\``).join(', ')} and a name, in which \`*\` stands for any ` +
      'characters; `!` before one leaves it out (default: all hosts, `nixos:*`)',
    { flag: '--targets <pattern>' },
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
    wordOr('all', commaList(required, 'targets')),
    'all',
    '["okinawa", "package:*"]',
    'targets that must build for anything to land: hosts by their names, others as `KIND:NAME`',
    { flag: '--require <pattern>' },
  ),
};

export const sorted = (names: readonly string[]): readonly string[] => [...new Set(names)].sort();

/** What a run without an update compares. */
export const comparisonOf = ({ against }: Pick<Values<typeof contents>, 'against'>): Comparison =>
  against === null ? {} : { against };

export const targetsOf = ({
  targets,
  buildSystems,
  exclude,
  require,
}: Values<typeof contents>): Pick<RunOptions, 'targets' | 'require'> => ({
  targets: {
    ...(targets.length === 0 ? {} : { patterns: sorted(targets) }),
    hosts: buildSystems.length === 0 ? 'all' : sorted(buildSystems),
    exclude,
  },
  require: require === 'all' ? 'all' : sorted(require),
});

export const contentsOf = (
  options: Values<typeof contents>,
): Pick<RunOptions, 'targets' | 'require' | 'inputs' | 'excludeInputs' | 'inputGroups' | 'cooldown'> => {
  const { flakeInputs, excludeInputs, inputGroups, cooldown, inputCooldown } = options;
  const cooled = Object.entries(inputCooldown).map(([input, seconds]) => ({ input, seconds }));
  return {
    ...targetsOf(options),
    inputs: flakeInputs.length === 0 ? 'all' : sorted(flakeInputs),
    ...(excludeInputs.length === 0 ? {} : { excludeInputs: sorted(excludeInputs) }),
    ...(inputGroups.length === 0 ? {} : { inputGroups: inputGroups.map(sorted) }),
    ...(cooldown === 0 && cooled.length === 0 ? {} : { cooldown: { seconds: cooldown, inputs: cooled } }),
  };
};
