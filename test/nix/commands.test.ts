import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  evaluateNames,
  evaluationOptions,
  instantiateHost,
  nixEnvironment,
  nixString,
  updateAll,
  updateInputs,
  type NixVersion,
} from '../../activities/nix/commands.js';
import { parseNixVersion } from '../../activities/nix/version.js';
import type { NixSettings } from '../../model/run.js';

const plain: NixSettings = { options: [], impure: false, acceptFlakeConfig: false };
const version = (minor: number): NixVersion => ({ major: 2, minor, text: `nix (Nix) 2.${minor}.0` });
const common = evaluationOptions(plain);

const TABLE: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['2.8 updates all', updateAll(version(8), plain), ['flake', 'update', ...common]],
  ['2.26 updates all', updateAll(version(26), plain), ['flake', 'update', ...common, '--flake', '.']],
  ['2.34 updates all', updateAll(version(34), plain), ['flake', 'update', ...common, '--flake', '.']],
  [
    '2.8 updates two',
    updateInputs(version(8), plain, ['a', 'b']),
    ['flake', 'lock', ...common, '--update-input', 'a', '--update-input', 'b'],
  ],
  ['2.18 updates one', updateInputs(version(18), plain, ['a']), ['flake', 'lock', ...common, '--update-input', 'a']],
  [
    '2.19 updates one',
    updateInputs(version(19), plain, ['a']),
    ['flake', 'update', ...common, '--flake', '.', '--', 'a'],
  ],
  [
    '2.34 updates two',
    updateInputs(version(34), plain, ['a', 'b']),
    ['flake', 'update', ...common, '--flake', '.', '--', 'a', 'b'],
  ],
];

for (const [name, actual, expected] of TABLE) {
  test(`Nix ${name} inputs with the arguments that it knows`, () => {
    assert.deepEqual(actual, expected);
  });
}

test('evaluation is pure and accepts none of the flake’s settings unless the run says otherwise', () => {
  assert.deepEqual(common, [
    ...['--option', 'connect-timeout', '15'],
    ...['--extra-experimental-features', 'nix-command flakes'],
    ...['--option', 'accept-flake-config', 'false'],
    ...['--option', 'pure-eval', 'true'],
    ...['--option', 'warn-dirty', 'false'],
  ]);
  const open = evaluationOptions({ options: [['cores', '2']], impure: true, acceptFlakeConfig: true }).join(' ');
  assert.match(
    open,
    /--option connect-timeout 15 --option cores 2 .*--option accept-flake-config true --option pure-eval false/,
  );
});

test('names are evaluated without touching the lock, and a URL cannot be taken for an option', () => {
  const args = evaluateNames('git+file:///m.git?rev=1', plain);
  assert.ok(args.includes('--no-update-lock-file'));
  assert.deepEqual(args.slice(-2), ['--', 'git+file:///m.git?rev=1#nixosConfigurations']);
});

test('a host’s name reaches Nix as a string, whatever is in it', () => {
  assert.equal(nixString('a"b\\c${d}\n$e'), '"a\\"b\\\\c\\${d}\\n$e"');
  const args = instantiateHost('u', 'x".y', '/root', plain);
  assert.ok(args.at(-1)?.includes('nixosConfigurations."x\\".y".config'));
});

test('Nix keeps the person’s own variables, but not what a hook of Git left behind', () => {
  const env = nixEnvironment({
    TEMPORAL_API_KEY: 'none of its business',
    HOME: '/home/o',
    NIX_CONFIG: 'x = y',
    GIT_DIR: '/elsewhere',
    GIT_SSH_COMMAND: 'ssh -v',
  });
  assert.deepEqual(env, {
    ...{ HOME: '/home/o', NIX_CONFIG: 'x = y', GIT_SSH_COMMAND: 'ssh -v' },
    ...{ GIT_TERMINAL_PROMPT: '0', NO_COLOR: '1', TERM: 'dumb' },
  });
});

test('the version of Nix is read from every flavour of it', () => {
  const read = (text: string): readonly number[] | null => {
    const found = parseNixVersion(text);
    return found === null ? null : [found.major, found.minor];
  };
  assert.deepEqual(read('nix (Nix) 2.8.0\n'), [2, 8]);
  assert.deepEqual(read('nix (Nix) 2.34.8\n'), [2, 34]);
  assert.deepEqual(read('nix (Determinate Nix 3.5.2) 2.28.3\n'), [2, 28]);
  assert.deepEqual(read('nix (Lix, like Nix) 2.91.1\n'), [2, 91]);
  assert.equal(read('not it\n'), null);
});
