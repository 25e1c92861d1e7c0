import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultStateRoot } from '../../model/machine/state-directory.js';

test('the state directory is the one that is named, else systemd’s first one, else that of the XDG base directories', () => {
  const HOME = '/home/ada';
  const cases: readonly (readonly [env: Readonly<Record<string, string>>, root: string])[] = [
    [{ HOME, LOCKKEEPER_STATE_DIR: '/own', STATE_DIRECTORY: '/var/lib/x', XDG_STATE_HOME: '/xdg' }, '/own'],
    [{ HOME, STATE_DIRECTORY: '/var/lib/x:/var/lib/y', XDG_STATE_HOME: '/xdg' }, '/var/lib/x'],
    [{ HOME, XDG_STATE_HOME: '/xdg' }, '/xdg/lockkeeper'],
    // The specification has relative paths ignored.
    [{ HOME, XDG_STATE_HOME: 'state' }, '/home/ada/.local/state/lockkeeper'],
    [{ HOME, LOCKKEEPER_STATE_DIR: '', STATE_DIRECTORY: '/var/lib/x' }, '/var/lib/x'],
    [{ HOME, LOCKKEEPER_STATE_DIR: '' }, '/home/ada/.local/state/lockkeeper'],
  ];
  for (const [env, root] of cases) assert.equal(defaultStateRoot(env), root, JSON.stringify(env));
});
