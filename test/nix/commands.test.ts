import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluateNames, evaluationOptions, instantiateTarget, lockFlake } from '../../activities/nix/commands.js';
import { nixEnvironment } from '../../host/nix/environment.js';
import { parseNixVersion } from '../../model/nix/version.js';
import type { NixSettings } from '../../model/run/options.js';
import { nixString } from '../../model/nix/text.js';

const plain: NixSettings = { options: [], impure: false, acceptFlakeConfig: false };
const common = evaluationOptions(plain);

test('what a lock lacks is locked with the same arguments on every Nix, and the owner’s options have the last word', () => {
  const settings: NixSettings = { ...plain, options: [['download-attempts', '9']] };
  const words = lockFlake(settings);
  assert.deepEqual(words.slice(0, 2), ['flake', 'lock']);
  assert.match(words.join(' '), /--option download-attempts 2 --option download-attempts 9 /);
});

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
  const args = evaluateNames('nixosConfigurations', 'git+file:///m.git?rev=1', plain);
  assert.ok(args.includes('--no-update-lock-file'));
  assert.deepEqual(args.slice(-2), ['--', 'git+file:///m.git?rev=1#nixosConfigurations']);
});

test('a host’s name reaches Nix as a string, whatever is in it', () => {
  assert.equal(nixString('a"b\\c${d}\n$e'), '"a\\"b\\\\c\\${d}\\n$e"');
  const args = instantiateTarget({ kind: 'nixos', name: 'x".y' }, 'u', '/root', plain);
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
    ...{ GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', NO_COLOR: '1', TERM: 'dumb' },
    ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.bareRepository', GIT_CONFIG_VALUE_0: 'all' },
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
