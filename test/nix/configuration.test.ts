import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { machineConfiguration } from '../../activities/nix/configuration.js';
import { withFolder } from '../support/scope.js';
import { withVariables } from '../support/variables.js';

test('what an account says of Nix for itself is not taken for what the machine’s daemon does', async (t) => {
  const folder = await withFolder(t);
  await mkdir(path.join(folder, 'nix'));
  const file = path.join(folder, 'nix', 'nix.conf');
  await writeFile(file, 'max-jobs = 7771\n');
  for (const [variables, own] of [
    [{ NIX_CONFIG: 'max-jobs = 7772' }, 7772],
    [{ XDG_CONFIG_HOME: folder }, 7771],
    [{ NIX_USER_CONF_FILES: file }, 7771],
    [{ NIX_CONF_DIR: path.join(folder, 'nix') }, 7771],
  ] as const) {
    const found = await withVariables(variables, () => machineConfiguration());
    assert.ok(found?.['max-jobs'] !== undefined);
    assert.notEqual(found['max-jobs'].value, own, JSON.stringify(variables));
  }
});
