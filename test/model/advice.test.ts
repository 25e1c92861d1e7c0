import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceOn } from '../../model/flake-lock/advice.js';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { adviceWords } from '../../model/report/advice-words.js';

const NOW = new Date('2026-11-29T12:00:00Z');
const seconds = (date: string): number => Date.parse(date) / 1000;

interface Input {
  readonly repo?: string;
  readonly ref?: string;
  readonly rev?: string;
  readonly date?: string;
  readonly inputs?: Readonly<Record<string, string | readonly string[]>>;
}

/** A lock of inputs from a forge; those that no other one has are the flake's own. */
function lockOf(inputs: Readonly<Record<string, Input>>, own: readonly string[] = Object.keys(inputs)) {
  const nodes = Object.entries(inputs).map(
    ([name, { repo = name, ref, rev, date = '2026-11-01', inputs: nested = {} }]) => {
      const source = { type: 'github', owner: 'NixOS', repo };
      const locked = { ...source, rev: 'a'.repeat(40), narHash: `sha256-${name}`, lastModified: seconds(date) };
      return [
        name,
        {
          locked,
          original: { ...source, ...(ref === undefined ? {} : { ref }), ...(rev === undefined ? {} : { rev }) },
          inputs: nested,
        },
      ] as const;
    },
  );
  const root = { inputs: Object.fromEntries(own.map((name) => [name, name])) };
  return parseFlakeLock(
    JSON.stringify({ nodes: { ...Object.fromEntries<unknown>(nodes), root }, root: 'root', version: 7 }),
  );
}

const said = (lock: ReturnType<typeof lockOf>, now = NOW): readonly string[] =>
  adviceWords(adviceOn(lock, now, [...lock.root.inputs.keys()]), now.toISOString());

test('a release of nixpkgs is supported until a month after the next one, which is named as soon as it is out', () => {
  const at = (ref: string, day: string) => said(lockOf({ nixpkgs: { ref, date: day } }), new Date(`${day}T12:00:00Z`));
  const old = 'nixpkgs is at release 25.11, which';
  assert.deepEqual(at('nixos-25.11', '2026-05-30'), []);
  assert.deepEqual(at('nixos-25.11', '2026-05-31'), [
    `${old} is supported until 2026-06-30; the newest release is 26.05`,
  ]);
  assert.deepEqual(at('nixos-25.11-small', '2026-07-01'), [
    `${old} has had no support since 2026-06-30; the newest release is 26.05`,
  ]);
  assert.deepEqual(at('nixpkgs-26.05-darwin', '2026-11-29'), []);
  assert.match(
    at('nixpkgs-26.05-darwin', '2026-11-30').join(),
    /26\.05, which is supported until 2026-12-31; the newest release is 26\.11/,
  );
  assert.match(at('release-24.11', '2026-01-01').join(), /24\.11, which has had no support since 2025-06-30.* 25\.11$/);
  for (const ref of ['nixos-unstable', 'master', 'nixos-26.05-staging/x', 'nixos-99.05'])
    assert.deepEqual(at(ref, '2026-11-29'), []);
});

test('copies of an input are counted by where they come from, with the line that takes one away', () => {
  const lock = lockOf(
    {
      nixpkgs: {},
      'home-manager': { inputs: { nixpkgs: 'nixpkgs_2', 'a.b': 'tools' } },
      nixpkgs_2: { repo: 'Nixpkgs', ref: 'nixos-unstable' },
      tools: { inputs: { nixpkgs: 'nixpkgs_3', same: ['nixpkgs'], shared: 'nixpkgs_2' } },
      nixpkgs_3: { repo: 'nixpkgs' },
    },
    ['nixpkgs', 'home-manager'],
  );
  assert.deepEqual(said(lock), [
    'nixpkgs is locked 3 times (nixpkgs, home-manager/nixpkgs, home-manager/a.b/nixpkgs), each fetched and evaluated by itself; this line takes one away: ' +
      'inputs.home-manager.inputs.nixpkgs.follows = "nixpkgs";',
  ]);
  const notOwn = lockOf(
    { a: { inputs: { s: 'systems' } }, b: { inputs: { s: 'systems_2' } }, systems: {}, systems_2: { repo: 'systems' } },
    ['a', 'b'],
  );
  assert.deepEqual(said(notOwn), ['s is locked 2 times (a/s, b/s), each fetched and evaluated by itself']);
});

test('copies that were asked for by release, tag or revision are meant to be others', () => {
  const lock = lockOf(
    {
      nixpkgs: { ref: 'nixos-unstable' },
      tools: {},
      'tools-too': { repo: 'tools' },
      tool: { inputs: { old: 'old', older: 'older', same: 'same', at: 'at', 'hls-1': 'hls-1', 'hls-2': 'hls-2' } },
      old: { repo: 'nixpkgs', ref: 'nixos-25.11' },
      older: { repo: 'nixpkgs', ref: 'release-25.11' },
      same: { repo: 'nixpkgs', ref: 'nixpkgs-unstable' },
      at: { repo: 'nixpkgs', rev: 'b'.repeat(40) },
      'hls-1': { repo: 'hls', ref: '1.10' },
      'hls-2': { repo: 'hls', ref: '2.0' },
    },
    ['nixpkgs', 'tools', 'tools-too', 'tool'],
  );
  assert.deepEqual(
    said(lock).map((each) => each.replace(/, each.*?(?=;|$)/, '')),
    [
      'nixpkgs is locked 2 times (nixpkgs, tool/same); this line takes one away: inputs.tool.inputs.same.follows = "nixpkgs";',
      'old is locked 2 times (tool/old, tool/older)',
    ],
  );
});

test('an input that stands still for a year is named, unless its owner wants it to, or nobody asked', () => {
  const lock = lockOf({
    still: { date: '2025-11-28' },
    young: { date: '2025-11-30' },
    meant: { date: '2020-01-01', rev: 'a'.repeat(40) },
  });
  assert.deepEqual(said(lock), ['still has had no new revision since 2025-11-28']);
  assert.deepEqual(adviceOn(lock, NOW, ['young']), []);
});

test('of much advice the first five are told', () => {
  const lock = lockOf(
    Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`i${index}`, { date: '2020-01-01' }])),
  );
  assert.equal(said(lock).length, 6);
  assert.equal(said(lock).at(-1), '3 more: see the JSON report');
});
