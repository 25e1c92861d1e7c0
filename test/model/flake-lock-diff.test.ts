import assert from 'node:assert/strict';
import { test } from 'node:test';
import { movedInputs } from '../../model/flake-lock/diff.js';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { repointedInputs } from '../../model/flake-lock/repointed.js';
import type { FlakeLock } from '../../model/flake-lock/types.js';
import { fixture, hex, scrambledText, sketchedLock } from '../support/locks.js';
import type { Sketch, Sketches } from '../support/locks.js';

const moves = (before: Sketches, after: Sketches): string[] =>
  movedInputs(sketchedLock(before), parseFlakeLock(scrambledText(after))).map(({ name, nested }) =>
    [name, ...nested].join(' '),
  );
/** A lock with one input, made of the given attributes. */
const single = (locked: object, original: object = {}, more: object = {}): string =>
  JSON.stringify({
    version: 7,
    root: 'root',
    nodes: { root: { inputs: { a: 'a' } }, a: { locked, original, ...more } },
  });
const movedSingle = (before: object, after: object): boolean =>
  movedInputs(parseFlakeLock(single(before)), parseFlakeLock(single(after))).length > 0;

test('a lock that was only written in another form has not moved', () => {
  const spellings = ['nix-2.8', 'nix-2.26', 'nix-2.34'].map(fixture);
  for (const before of spellings) for (const after of spellings) assert.deepEqual(movedInputs(before, after), []);
  assert.deepEqual(movedInputs(fixture('renamed'), fixture('renamed-as-nix')), []);
  assert.deepEqual(movedInputs(fixture('version-5'), fixture('version-7')), []);
});

test('an input that moved is told with its revisions, dates and a page to compare', () => {
  assert.deepEqual(movedInputs(fixture('follows'), fixture('follows-nixpkgs-moved')), [
    {
      name: 'nixpkgs',
      kind: 'github',
      from: { revision: 'a'.repeat(40), short: 'aaaaaaaa', date: '2023-11-14' },
      to: { revision: 'e'.repeat(40), short: 'eeeeeeee', date: '2023-11-14' },
      compareUrl: `https://github.com/NixOS/nixpkgs/compare/${'a'.repeat(40)}...${'e'.repeat(40)}`,
      nested: [],
    },
  ]);
});

test('a nested move counts to its root input, which itself may have stayed', () => {
  const [moved, ...others] = movedInputs(fixture('follows'), fixture('follows-nested-moved'));
  assert.equal(moved?.name, 'deploy');
  assert.deepEqual(moved.nested, ['deploy/utils']);
  assert.equal(moved.compareUrl, null);
  assert.equal(moved.from?.revision, moved.to?.revision);
  assert.equal(others.length, 0, 'what follows the nested input has not moved by itself');
});

test('a nested move is told with its revisions, dates and a page to compare', () => {
  const [moved] = movedInputs(fixture('follows'), fixture('follows-nested-moved'));
  assert.deepEqual(moved?.nestedMoves, [
    {
      path: 'deploy/utils',
      from: { revision: 'c'.repeat(40), short: 'cccccccc', date: '2023-11-14' },
      to: { revision: 'f'.repeat(40), short: 'ffffffff', date: '2023-11-14' },
      compareUrl: `https://github.com/numtide/flake-utils/compare/${'c'.repeat(40)}...${'f'.repeat(40)}`,
    },
  ]);
});

test('a nested input that is fetched from somewhere else is told as such, and first; an archive of the same address is not', () => {
  const lock = (owner: string, release: string, asked: string, content = release): FlakeLock => {
    const archive = {
      type: 'tarball',
      url: `https://releases.example.org/${release}.tar.xz`,
      narHash: `sha256-${release}`,
    };
    const forge = { type: 'github', owner, repo: 'b', rev: content.repeat(40) };
    return parseFlakeLock(
      JSON.stringify({
        nodes: {
          z: { locked: forge, original: { type: 'github', owner, repo: 'b' } },
          a: { locked: archive, original: { type: 'tarball', url: asked } },
          top: {
            locked: { type: 'github', owner: 'o', repo: 'r', rev: release.repeat(40) },
            original: { type: 'github', owner: 'o', repo: 'r' },
            inputs: { a: 'a', z: 'z' },
          },
          root: { inputs: { top: 'top' } },
        },
        root: 'root',
        version: 7,
      }),
    );
  };
  const channel = 'https://example.org/channel.tar.xz';
  const sources = (before: FlakeLock, after: FlakeLock): unknown =>
    movedInputs(before, after)[0]?.nestedMoves?.map(({ path, source }) => [path, source?.from, source?.to]);
  assert.deepEqual(sources(lock('good', '1', channel), lock('evil', '2', channel)), [
    ['top/z', 'github:good/b', 'github:evil/b'],
    ['top/a', undefined, undefined],
  ]);
  assert.deepEqual(sources(lock('good', '1', channel), lock('good', '2', 'https://example.org/other.tar.xz')), [
    ['top/a', channel, 'https://example.org/other.tar.xz'],
    ['top/z', undefined, undefined],
  ]);
  // A fork that has the same content still may have any other one next time.
  assert.deepEqual(sources(lock('good', '1', channel), lock('evil', '2', channel, '1')), [
    ['top/z', 'github:good/b', 'github:evil/b'],
    ['top/a', undefined, undefined],
  ]);
});

test('only inputs that one of the locks has are named, each once, where it is written', () => {
  const locks = (rev: number, c: Sketch): Sketches => ({
    a: { rev, inputs: { b: { rev: 1, inputs: { c } }, c: { rev: 2 }, d: { rev: 3 } } },
  });
  assert.deepEqual(moves(locks(8, ['a']), locks(9, ['a', 'c'])), ['a a/b/c']);
  const own: Sketch = { rev: 4, inputs: { x: { rev: 5, inputs: { y: { rev: 6 } } } } };
  const owner: Sketches = { n: { rev: 7, inputs: { x: { rev: 8, inputs: { z: { rev: 9 } } } } } };
  assert.deepEqual(
    moves({ ...owner, a: { rev: 1, inputs: { n: own } } }, { ...owner, a: { rev: 1, inputs: { n: ['n'] } } }),
    ['a a/n a/n/x a/n/x/y'],
  );
});

test('moves are found by path, whatever the nodes are called', () => {
  const before = { a: { rev: 1, inputs: { n: { rev: 3 } } }, b: { rev: 2, inputs: { n: { rev: 4 } } } };
  assert.deepEqual(moves(before, { b: before.b, a: before.a }), []);
  assert.deepEqual(moves(before, { ...before, b: { rev: 2, inputs: { n: { rev: 5 } } } }), ['b b/n']);
  assert.deepEqual(moves(before, { ...before, a: { rev: 9, inputs: { n: { rev: 9 } } } }), ['a a/n']);
});

test('inputs that were added or removed have moved', () => {
  assert.deepEqual(moves({ a: { rev: 1 } }, { b: { rev: 2 } }), ['a', 'b']);
  assert.deepEqual(moves({ a: { rev: 1 } }, { a: { rev: 1, inputs: { x: { rev: 2 } } } }), ['a a/x']);
  const [added] = movedInputs(null, sketchedLock({ a: { rev: 1 } }));
  assert.deepEqual([added?.from, added?.to?.revision], [null, hex(1)]);
  const [removed] = movedInputs(sketchedLock({ a: { rev: 1 } }), sketchedLock({}));
  assert.deepEqual([removed?.kind, removed?.from?.revision, removed?.to], ['github', hex(1), null]);
});

test('another follows is a move only where it leads to other content', () => {
  const three = { n: { rev: 1 }, same: { rev: 1 }, other: { rev: 2 } };
  assert.deepEqual(moves({ ...three, a: ['n'] }, { ...three, a: ['same'] }), []);
  assert.deepEqual(moves({ ...three, a: ['n'] }, { ...three, a: ['other'] }), ['a']);
  assert.deepEqual(moves({ ...three, a: ['n'] }, { ...three, a: { rev: 1 } }), []);
  const own = { ...three, a: { rev: 5, inputs: { n: { rev: 7 } } } };
  assert.deepEqual(moves(own, { ...three, a: { rev: 5, inputs: { n: ['n'] } } }), ['a a/n']);
  assert.deepEqual(moves({ ...three, a: ['n'] }, { ...three, a: [] }), ['a']);
});

test('an input that follows one that moved has not moved itself', () => {
  assert.deepEqual(moves({ n: { rev: 1 }, a: ['n'] }, { n: { rev: 2 }, a: ['n'] }), ['n']);
});

test('content is compared as far as both locks know it', () => {
  const git = { type: 'git', url: 'https://h/x', rev: hex(1), narHash: 'sha256-A' };
  assert.ok(!movedSingle(git, { ...git, ref: 'refs/heads/main', url: 'ssh://h/x' }));
  assert.ok(!movedSingle(git, { type: 'git', rev: hex(1) }));
  assert.ok(movedSingle(git, { ...git, narHash: 'sha256-B' }));
  assert.ok(movedSingle(git, { ...git, dir: 'sub' }));
  const tarball = { type: 'tarball', url: 'https://h/a.tar.gz', narHash: 'sha256-A' };
  assert.ok(!movedSingle(tarball, { ...tarball, rev: hex(1) }), 'newer Nix knows revisions of archives');
  assert.ok(movedSingle(tarball, { ...tarball, narHash: 'sha256-B' }));
  assert.ok(!movedSingle({ type: 'path', path: './a', narHash: 'sha256-A' }, { type: 'path', path: './a' }));
  assert.ok(movedSingle({ type: 'path', path: './a' }, { type: 'path', path: './b' }));
  assert.ok(!movedSingle({}, {}));
});

test('a source without a revision is told by its narHash, and odd times give no date', () => {
  const lock = (hash: string, time: unknown): string => single({ type: 'tarball', narHash: hash, lastModified: time });
  const [moved] = movedInputs(
    parseFlakeLock(lock('sha256-AAAAAAAAAAAAAAA=', 1e300)),
    parseFlakeLock(lock('sha256-B', '1')),
  );
  assert.deepEqual(moved?.from, { revision: 'sha256-AAAAAAAAAAAAAAA=', short: 'AAAAAAAAAAA', date: null });
  assert.deepEqual(moved.to, { revision: 'sha256-B', short: 'B', date: null });
});

test('shared nodes and circles of nodes are compared once, not for ever', () => {
  const nodes: Record<string, object> = { root: { inputs: { a: 'n0' } } };
  for (let n = 0; n < 60; n += 1)
    nodes[`n${n}`] = {
      locked: { rev: `${n}` },
      original: {},
      inputs: { x: `n${(n + 1) % 60}`, y: `n${(n + 1) % 60}` },
    };
  const text = JSON.stringify({ version: 7, root: 'root', nodes });
  const moved = movedInputs(parseFlakeLock(text), parseFlakeLock(text.replace('"rev":"30"', '"rev":"moved"')));
  assert.equal(moved[0]?.name, 'a');
  assert.deepEqual(movedInputs(parseFlakeLock(text), parseFlakeLock(text)), []);
});

test('inputs that flake.nix asks for otherwise are found, and those that only moved are not', () => {
  assert.deepEqual(repointedInputs(fixture('follows'), fixture('follows-nixpkgs-moved')), []);
  assert.deepEqual(repointedInputs(fixture('nix-2.8'), fixture('nix-2.34')), []);
  assert.deepEqual(
    repointedInputs(
      sketchedLock({ a: { rev: 1 }, n: { rev: 2 } }),
      sketchedLock({ a: ['n'], n: { rev: 3 }, z: { rev: 1 } }),
    ),
    ['a', 'z'],
  );
  const repointed = (before: string, after: string): boolean =>
    repointedInputs(parseFlakeLock(before), parseFlakeLock(after)).length > 0;
  assert.ok(repointed(single({}, { type: 'github', ref: 'a' }), single({}, { type: 'github', ref: 'b' })));
  assert.ok(repointed(single({}, {}), single({}, {}, { flake: false })));
  assert.ok(!repointed(single({}, { ref: 'main', id: 'x' }), single({}, { id: 'x', ref: 'refs/heads/main' })));
});

test('an input is asked for otherwise when flake.nix gave or dropped a follows below it, whatever that leads to', () => {
  const lock = (rev: number, n: Sketch, x: Sketch = { rev: 3 }): FlakeLock =>
    sketchedLock({ a: { rev, inputs: { b: { rev: 4, inputs: { n, x } } } }, n: { rev: 2 } });
  const [own, follows] = [lock(1, { rev: 2 }), lock(1, ['n'])];
  assert.deepEqual(movedInputs(own, follows), [], 'the content is the same');
  assert.deepEqual(repointedInputs(own, follows), ['a']);
  assert.deepEqual(repointedInputs(follows, own), ['a']);
  assert.deepEqual(repointedInputs(lock(1, ['a', 'b', 'x']), own), ['a']);
  assert.deepEqual(
    repointedInputs(follows, lock(9, { rev: 9 })),
    ['a'],
    'what leads out of an input is not its own wish',
  );
  assert.deepEqual(
    repointedInputs(lock(1, ['a', 'b', 'x']), lock(9, { rev: 2 })),
    [],
    'another revision wishes otherwise',
  );
});

test('a lock of every kind of source, read twice, has not moved', () => {
  assert.deepEqual(movedInputs(fixture('every-kind'), fixture('every-kind')), []);
});
