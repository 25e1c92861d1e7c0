import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../../../activities/command/process.js';
import type { Closure, PackageChange } from '../../../model/closure/closure.js';
import { compareClosures } from '../../../model/closure/compare-closures.js';
import { splitName } from '../../../model/closure/package-name.js';
import { DIX, noDix } from '../../support/tools.js';

/** What dix 3 says of one package. */
interface DixDiff {
  readonly name: string;
  readonly status: string;
  readonly versions: readonly {
    readonly kind: string;
    readonly version?: { readonly name: string };
    readonly old?: { readonly name: string };
    readonly new?: { readonly name: string };
  }[];
  readonly size_old: number;
  readonly size_new: number;
}

/** Always the same numbers. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

const VERSIONS = ['1.0', '1.1', '1.10', '2.0pre3', '2.0', '2.0-rc1', '2024-05-01', '0-unstable-2025-01-03', '10.2p1'];

/** Two closures of forty packages with none, one or two versions each, of which some changed. */
function closures(seed: number): readonly [Closure, Closure] {
  const next = numbers(seed);
  const sides: [Closure['paths'][number][], Closure['paths'][number][]] = [[], []];
  for (let index = 0; index < 40; index += 1)
    for (const side of sides) {
      const versions = new Set(Array.from({ length: next(3) }, () => VERSIONS[next(VERSIONS.length)] ?? ''));
      for (const version of versions) {
        const name = `package${String.fromCharCode(97 + (index % 26))}${index < 26 ? 'x' : 'y'}-${version}`;
        const hash = String(seed * 1000 + index).padStart(30, '0') + String(next(2)).padStart(2, '0');
        sides[side === sides[0] ? 0 : 1].push({
          path: `/nix/store/${hash}-${name}`,
          narSize: 1000 + next(100_000),
          name: splitName(name),
        });
      }
    }
  return [
    { paths: sides[0], selected: new Set() },
    { paths: sides[1], selected: new Set() },
  ];
}

const TOP = '/nix/store/00000000000000000000000000000000-top';
const snapshot = ({ paths }: Closure): string =>
  JSON.stringify({
    version: 1,
    path: TOP,
    closure: paths.map(({ path, narSize }) => ({ path, narSize })),
    selected: [],
  });

const texts = (values: readonly (string | undefined)[]): readonly string[] =>
  values.filter((value) => value !== undefined).sort();

/** Versions that only one side has, and the sizes: what both programs have to agree on. */
const ours = ({ name, before, after, sizes }: PackageChange): unknown => ({
  name,
  gone: texts(before.filter((version) => !after.includes(version))),
  come: texts(after.filter((version) => !before.includes(version))),
  sizes,
});
const theirs = ({ name, versions, size_old, size_new }: DixDiff): unknown => ({
  name,
  gone: texts(versions.map((each) => (each.kind === 'removed' ? each.version : each.old)?.name)),
  come: texts(versions.map((each) => (each.kind === 'added' ? each.version : each.new)?.name)),
  sizes: [size_old, size_new],
});

const byName = (one: { readonly name: string }, other: { readonly name: string }): number =>
  one.name < other.name ? -1 : 1;

test('dix says the same of 40 pairs of closures', { skip: noDix() }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-dix-'));
  try {
    for (let seed = 1; seed <= 40; seed += 1) {
      const [before, after] = closures(seed);
      const files = [path.join(folder, 'before.json'), path.join(folder, 'after.json')] as const;
      await writeFile(files[0], snapshot(before));
      await writeFile(files[1], snapshot(after));
      const said = await run(DIX, ['diff', '--output', 'json', '--full', '--min-size-delta', '0', ...files]);
      const { diffs } = JSON.parse(said.stdout) as { readonly diffs: readonly DixDiff[] };
      assert.ok(diffs.length > 10);
      const changed = (each: PackageChange): boolean => !['rebuilt', 'outputs'].includes(each.kind);
      assert.deepEqual(
        compareClosures(before, after).packages.filter(changed).sort(byName).map(ours),
        diffs
          .filter(({ versions }) => versions.length > 0)
          .sort(byName)
          .map(theirs),
        `seed ${seed}`,
      );
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
