import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../../../activities/command/process.js';
import { compareVersions } from '../../../model/nix/compare-versions.js';

const PARTS = [
  '0',
  '1',
  '2',
  '10',
  '007',
  'pre',
  'rc1',
  'a',
  'beta',
  'p37',
  '+7',
  'unstable',
  '20241116',
  '99999999999',
  '',
];
const SEPARATORS = ['.', '-', ''];

/** Versions made of such parts, always the same ones. */
function versions(count: number): readonly string[] {
  let state = 1;
  const next = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const part = (): string => (PARTS[next(PARTS.length)] ?? '') + (SEPARATORS[next(SEPARATORS.length)] ?? '');
  return Array.from({ length: count }, () => Array.from({ length: 1 + next(4) }, part).join(''));
}

test('versions compare as builtins.compareVersions compares them', async () => {
  const [left, right] = [versions(600).slice(0, 300), versions(600).slice(300)];
  const pairs = left.flatMap((one, index) => [
    [one, right[index] ?? ''],
    [one, `${one}.1`],
    [`${one}pre`, one],
  ]);
  const expression = `map (p: builtins.compareVersions (builtins.elemAt p 0) (builtins.elemAt p 1)) (builtins.fromJSON ${JSON.stringify(JSON.stringify(pairs))})`;
  const nix = await run('nix-instantiate', ['--eval', '--strict', '--json', '--expr', expression]);
  assert.deepEqual(
    pairs.map(([one = '', other = '']) => Math.sign(compareVersions(one, other))),
    JSON.parse(nix.stdout),
  );
});
