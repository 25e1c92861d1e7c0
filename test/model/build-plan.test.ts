import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countPacked, packed, PlanReader, sumOf } from '../../model/nix/build-plan.js';
import { planWords } from '../../model/nix/plan-words.js';

const drv = (index: number, name = 'a'): string => `/nix/store/${String(index).padStart(32, '0')}-${name}.drv`;

function read(...lines: readonly string[]): PlanReader {
  const reader = new PlanReader();
  for (const line of lines) reader.take(line);
  return reader;
}

test('the plan of a build is read as Nix 2.8, 2.26 and 2.34 print it', () => {
  const many = read(
    "warning: unable to download 'https://cache.example/nix-cache-info'",
    'these 2 derivations will be built:',
    `  ${drv(1)}`,
    `  ${drv(2)}`,
    'these 3 paths will be fetched (12.50 MiB download, 1024.00 MiB unpacked):',
    `  ${drv(3, 'fetched-source')}`,
    '  /nix/store/00000000000000000000000000000004-b',
    "copying path '/nix/store/00000000000000000000000000000004-b' from 'file:///cache'...",
  );
  assert.deepEqual(many.plan(), { builds: 2, fetches: 3, downloadBytes: 13_107_200, unpackedBytes: 2 ** 30 });
  assert.deepEqual(many.derivations(), [drv(1), drv(2)]);
  assert.equal(planWords(many.plan()), '2 builds, 3 downloads (12.5 MiB, 1.0 GiB unpacked)');

  const single = read(
    'this derivation will be built:',
    `  ${drv(1)}`,
    'this path will be fetched (0.1 KiB download, 0.1 KiB unpacked):',
  );
  assert.deepEqual(single.plan(), { builds: 1, fetches: 1, downloadBytes: 102, unpackedBytes: 102 });
  assert.equal(planWords(single.plan()), '1 build, 1 download (102 B, 102 B unpacked)');
  assert.equal(read('/nix/store/00000000000000000000000000000004-b').plan(), null);
  assert.equal(planWords(null), '');
});

test('a builder cannot print a plan, for each of its lines begins with its name', () => {
  assert.equal(read('evil> these 9 derivations will be built:', `evil>   ${drv(1)}`).plan(), null);
});

test('what several targets need counts once', () => {
  const derivation = (index: number): string =>
    `/nix/store/${index.toString(36).padStart(8, '0')}${'0'.repeat(24)}-a.drv`;
  const all = Array.from({ length: 10_000 }, (_, index) => derivation(index));
  const lists = [packed(all.slice(0, 6000)), packed(all.slice(4000)), packed([])];
  assert.equal(lists[0]?.length, 48_000);
  assert.equal(countPacked(lists), 10_000);
  const plan = { builds: 1, fetches: 2, downloadBytes: 3, unpackedBytes: 4 };
  assert.deepEqual(sumOf([plan, plan]), { builds: 2, fetches: 4, downloadBytes: 6, unpackedBytes: 8 });
});
