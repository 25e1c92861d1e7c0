import assert from 'node:assert/strict';
import { test } from 'node:test';
import { movedInputs } from '../../model/flake-lock/diff.js';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { serialiseLock } from '../../model/flake-lock/serialise.js';
import { FlakeLockError } from '../../model/flake-lock/types.js';
import { nodeOfInput, rootInputs } from '../../model/flake-lock/walk.js';
import { fixture, fixtureText, scrambledText } from '../support/locks.js';

const failsWith = (text: string | null, problem: FlakeLockError['problem'], message: RegExp): void => {
  assert.throws(
    () => parseFlakeLock(text),
    (error) => {
      assert.ok(error instanceof FlakeLockError);
      assert.equal(error.problem, problem);
      assert.match(error.message, message);
      return true;
    },
  );
};
const github = { type: 'github', owner: 'o', repo: 'r' };
const node = (more: object = {}): object => ({ locked: github, original: github, ...more });
const lockText = (nodes: object, version: unknown = 7): string => JSON.stringify({ version, root: 'root', nodes });

test('versions 5, 6 and 7 of the same lock read the same', () => {
  const texts = ['version-5', 'version-6', 'version-7'].map((name) => serialiseLock(fixture(name)));
  assert.deepEqual(texts, [texts[2], texts[2], texts[2]]);
  assert.equal(texts[2], fixtureText('version-7'));
  assert.equal(nodeOfInput(fixture('version-5'), ['nixpkgs'])?.locked?.get('narHash'), `sha256-${'a'.repeat(43)}=`);
});

for (const name of ['nix-2.8', 'nix-2.26', 'nix-2.34', 'follows', 'renamed-as-nix', 'every-kind'])
  test(`the lock ${name} is written as Nix wrote it, byte for byte`, () => {
    assert.equal(serialiseLock(fixture(name)), fixtureText(name));
  });

test('nodes with other names are written with those that Nix would give them, without unused ones', () => {
  assert.equal(serialiseLock(fixture('renamed')), fixtureText('renamed-as-nix'));
});

test('root inputs are listed with what they follow', () => {
  assert.deepEqual(rootInputs(fixture('follows')), [
    { name: 'deploy', follows: null },
    { name: 'home-manager', follows: null },
    { name: 'nixpkgs', follows: null },
    { name: 'systems', follows: ['deploy', 'utils'] },
  ]);
});

test('an input path leads through every follows on its way', () => {
  const lock = fixture('follows');
  assert.equal(nodeOfInput(lock, ['deploy', 'nixpkgs'])?.locked?.get('repo'), 'nixpkgs');
  assert.equal(nodeOfInput(lock, ['systems'])?.locked?.get('repo'), 'flake-utils');
  assert.equal(nodeOfInput(lock, ['systems', 'systems', 'nixpkgs']), nodeOfInput(lock, ['nixpkgs']));
  assert.equal(nodeOfInput(lock, ['deploy', 'utils', 'systems']), lock.root, 'follows = "" is the flake itself');
  assert.equal(nodeOfInput(lock, []), lock.root);
  assert.equal(nodeOfInput(lock, ['deploy', 'nothing']), null);
});

test('names with dots are names, not paths', () => {
  const lock = fixture('every-kind');
  assert.equal(nodeOfInput(lock, ['dotted.name', 'x.y'])?.locked?.get('repo'), 'xy');
  assert.equal(nodeOfInput(lock, ['dotted', 'name']), null);
});

test('a lock that is missing, empty, cut off or no JSON is refused with the way out', () => {
  failsWith(null, 'missing', /no flake\.lock.*nix flake lock/);
  failsWith(' \n', 'empty', /empty.*older commit/);
  failsWith(fixtureText('every-kind').slice(0, 400), 'not-json', /cut off.*older commit/);
  failsWith('{ "a": \x1b[31m }', 'not-json', /not JSON/);
  failsWith('<<<<<<< HEAD\n{\n=======', 'not-json', /unresolved merge/);
  failsWith('[]', 'malformed', /not a JSON object/);
  failsWith('null', 'malformed', /not a JSON object/);
});

test('a lock that is cut or damaged anywhere is read or refused, and nothing else', () => {
  const text = fixtureText('follows');
  for (let at = 0; at < text.trimEnd().length; at += 1)
    assert.throws(() => parseFlakeLock(text.slice(0, at)), FlakeLockError);
  const values = ['null', '[]', '{}', '7', '""', '"x"', '["x"]', 'true'];
  const places = [...text.matchAll(/(?<=: )(?:"[^"]*"|\d+)/g)];
  for (const { index, 0: old } of places)
    for (const value of values) {
      try {
        const lock = parseFlakeLock(text.slice(0, index) + value + text.slice(index + old.length));
        assert.ok(movedInputs(fixture('follows'), lock).length <= 4);
      } catch (error) {
        if (!(error instanceof FlakeLockError)) throw error;
      }
    }
});

test('a lock of a version that is not known is refused with the way out', () => {
  failsWith(lockText({}, 8), 'newer-version', /version 8.*update Lockkeeper/);
  failsWith(lockText({}, 4), 'older-version', /version 4.*Nix 2\.4/);
  failsWith(lockText({}, '7'), 'malformed', /"version"/);
});

test('an edge to a node that is not there is refused, where the root reaches it', () => {
  failsWith(lockText({ root: { inputs: { a: 'b' } } }), 'dangling-node', /input "a" of node "root".*"b"/);
  failsWith(lockText({ a: node() }), 'dangling-node', /"root"/);
  failsWith(lockText({ root: { inputs: { a: 'toString' } } }), 'dangling-node', /toString/);
  assert.equal(rootInputs(parseFlakeLock(lockText({ root: {}, unused: node({ inputs: { a: 'b' } }) }))).length, 0);
});

test('shapes that Nix never writes are refused by name', () => {
  const refuse = (text: string, message: RegExp): void => {
    failsWith(text, 'malformed', message);
  };
  refuse(JSON.stringify({ version: 7, root: 'root' }), /"nodes"/);
  refuse(JSON.stringify({ version: 7, nodes: {} }), /"root"/);
  refuse(lockText({ root: { inputs: [] } }), /"inputs" of node "root"/);
  refuse(lockText({ root: { inputs: { a: 1 } } }), /input "a"/);
  refuse(lockText({ root: { inputs: { a: ['b', 1] } } }), /input "a"/);
  refuse(lockText({ root: { inputs: { a: 'a' } }, a: {} }), /"locked"/);
  refuse(lockText({ root: { inputs: { a: 'a' } }, a: { locked: {} } }), /"original"/);
  refuse(lockText({ root: { inputs: { a: 'a' } }, a: node({ flake: 'no' }) }), /"flake"/);
  refuse(lockText({ root: { inputs: { a: 'a' } }, a: node({ parent: 'x' }) }), /"parent"/);
  refuse(lockText({ root: { inputs: { a: 'a' } }, a: node({ inputs: { b: 'root' } }) }), /has the root as a node/);
});

test('follows that lead in a circle are refused, and those that only look like it are not', () => {
  failsWith(lockText({ root: { inputs: { a: ['b'], b: ['a'] } } }), 'follows-cycle', /input "a" follows itself/);
  failsWith(lockText({ root: { inputs: { a: ['a', 'x'] } } }), 'follows-cycle', /follows itself/);
  const twice = {
    root: { inputs: { a: 'a', b: ['a'], c: ['b', 'x', 'y'] } },
    a: node({ inputs: { x: 'x' } }),
    x: node({ inputs: { y: ['b'] } }),
  };
  const lock = parseFlakeLock(lockText(twice));
  assert.equal(nodeOfInput(lock, ['c']), nodeOfInput(lock, ['a']));
});

test('follows that double with each step end in an answer', () => {
  const inputs: Record<string, unknown> = { a0: 'a' };
  for (let n = 1; n < 60; n += 1) inputs[`a${n}`] = [`a${n - 1}`, `a${n - 1}`];
  failsWith(
    lockText({ root: { inputs }, a: node({ inputs: { ...inputs, a0: 'a' } }) }),
    'follows-cycle',
    /follows itself/,
  );
});

test('nodes that refer to each other, and chains of thousands of nodes, are read', () => {
  const circle = parseFlakeLock(
    lockText({ root: { inputs: { a: 'a' } }, a: node({ inputs: { b: 'b' } }), b: node({ inputs: { a: 'a' } }) }),
  );
  assert.equal(nodeOfInput(circle, ['a', 'b', 'a']), nodeOfInput(circle, ['a']));
  assert.equal(serialiseLock(parseFlakeLock(serialiseLock(circle))), serialiseLock(circle));
  const chain: Record<string, object> = { root: { inputs: { n: 'n1' } } };
  for (let n = 1; n < 3_000; n += 1) chain[`n${n}`] = node(n < 2_999 ? { inputs: { n: `n${n + 1}` } } : {});
  assert.equal(serialiseLock(parseFlakeLock(lockText(chain))).split('"locked"').length, 3_000);
});

test('names that mean something to JavaScript are names like others', () => {
  const nodes = `{"root":{"inputs":{"__proto__":"__proto__","10":"10","9":["__proto__","constructor"]}},
    "__proto__":{"locked":{"type":"github","__proto__":"x"},"original":{},"inputs":{"constructor":"constructor"}},
    "constructor":{"locked":{"rev":"r"},"original":{}},"10":{"locked":{},"original":{}}}`;
  const lock = parseFlakeLock(`{"version":7,"root":"root","nodes":${nodes}}`);
  assert.deepEqual(
    rootInputs(lock).map(({ name }) => name),
    ['10', '9', '__proto__'],
  );
  assert.equal(nodeOfInput(lock, ['9'])?.locked?.get('rev'), 'r');
  assert.equal(nodeOfInput(lock, ['toString']), null);
  const text = serialiseLock(lock);
  assert.match(text, /"__proto__": "x"/);
  assert.equal(serialiseLock(parseFlakeLock(text)), text);
  assert.equal(({} as Record<string, unknown>).type, undefined);
});

test('names are sorted by their bytes, as Nix sorts them', () => {
  const text = scrambledText({
    '\u{1f600}': { rev: 1 },
    '\uffee': { rev: 2 },
    Z: { rev: 3 },
    a: { rev: 4 },
    'a-b': { rev: 5 },
  });
  assert.deepEqual(
    rootInputs(parseFlakeLock(text)).map(({ name }) => name),
    ['Z', 'a', 'a-b', '\uffee', '\u{1f600}'],
  );
});
