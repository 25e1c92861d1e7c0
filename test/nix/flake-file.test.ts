import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { inputWishes } from '../../activities/nix/flake-file.js';
import { withStandIn } from '../support/stand-in.js';

test('Nix reads the same flake.nix once, and again where it gave no answer', async () => {
  const text = `{ inputs.a.url = "git+file:///${randomUUID()}"; outputs = _: { }; }`;
  const withoutNix = (wanted: unknown): Promise<void> =>
    withStandIn('nix-instantiate', 'exit 1', async () => {
      assert.deepEqual(await inputWishes(text), wanted);
    });
  await withoutNix(null);
  const wishes = await inputWishes(text);
  assert.deepEqual([...(wishes?.keys() ?? [])], ['a']);
  await withoutNix(wishes);
});
