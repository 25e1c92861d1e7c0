import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nixSystems, remoteSystems } from '../../workers/nix-systems.js';

const BUILDERS: readonly (readonly [text: string, systems: readonly string[]])[] = [
  ['', []],
  ['ssh://mac aarch64-darwin', ['aarch64-darwin']],
  ['ssh-ng://u@mac x86_64-darwin,aarch64-darwin /key 4 1 kvm - c3NoLWVk', ['x86_64-darwin', 'aarch64-darwin']],
  ['ssh://near', ['x86_64-linux']],
  ['ssh://near - /key 8', ['x86_64-linux']],
  ['ssh://a armv7l-linux ; ssh://b aarch64-linux', ['armv7l-linux', 'aarch64-linux']],
  ['# all of ours\n\nssh://a\tarmv7l-linux # slow\n#ssh://b aarch64-linux; ssh://c i686-linux\n', ['armv7l-linux']],
];

for (const [text, systems] of BUILDERS) {
  test(`systems of the remote builders ${JSON.stringify(text)}`, () => {
    assert.deepEqual(remoteSystems(text, 'x86_64-linux'), systems);
  });
}

test('a machine serves what its Nix builds itself and what its remote builders do, those of a file too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-systems-'));
  try {
    const machines = join(folder, 'machines');
    await writeFile(machines, 'ssh://mac aarch64-darwin - 4\n');
    const settings = [
      'extra-platforms = armv7l-linux',
      `builders = @${machines} ; ssh://pi riscv64-linux,armv7l-linux`,
    ];
    const systems = await nixSystems({ ...process.env, NIX_CONFIG: settings.join('\n') });
    const [own = '', ...others] = systems;
    assert.match(own, /-(?:linux|darwin)$/);
    assert.deepEqual(others, ['armv7l-linux', 'aarch64-darwin', 'riscv64-linux']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a machine without Nix serves no system', async () => {
  assert.deepEqual(await nixSystems({ PATH: '/nonexistent' }), []);
});
