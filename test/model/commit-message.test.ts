import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { MovedInput } from '../../model/verify/candidate.js';
import { commitMessage, fixMessage, instanceTrailer, quiet, runTrailer } from '../../model/report/commit-message.js';
import { brokenTarget } from '../support/report.js';

const moved = (name: string, change: Partial<MovedInput> = {}): MovedInput => ({
  name,
  kind: 'github',
  from: { revision: '1'.repeat(40), short: '11111111', date: '2026-11-01' },
  to: { revision: '2'.repeat(40), short: '22222222', date: '2026-11-20' },
  compareUrl: 'https://github.com/a/b/compare/1...2',
  nested: [],
  ...change,
});

const trailersByGit = (message: string): string =>
  execFileSync('git', ['interpret-trailers', '--parse'], { input: message, encoding: 'utf8' });

const host = (name: string) => ({ kind: 'nixos', name }) as const;

test('a message has the conventional subject, the inputs that moved, the hosts and the trailers', () => {
  const message = commitMessage({
    instance: 'daily',
    run: 'daily-fleet-1',
    moved: [
      moved('nixpkgs'),
      moved('new', { from: null, compareUrl: null }),
      moved('old', { to: null, compareUrl: null }),
      moved('home', {
        to: moved('').from,
        compareUrl: null,
        nested: ['home/lib', 'home/nixpkgs'],
        nestedMoves: [{ ...moved(''), path: 'home/nixpkgs', compareUrl: 'https://github.com/a/b/compare/3...4' }],
      }),
      moved('older', { from: null, to: null, compareUrl: null, nested: ['older/nixpkgs'] }),
    ],
    heldBack: [],
    targets: ['alpha', 'web@1.example'].map(host),
  });
  assert.equal(
    message,
    `chore(flake): update flake.lock

Inputs:
- nixpkgs: 11111111 → 22222222 (2026-11-01 → 2026-11-20)
  https://github.com/a/b/compare/1...2
- new: added at 22222222 (2026-11-20)
- old: removed, was at 11111111 (2026-11-01)
- home: stays at 11111111, only nested inputs moved
  - home/lib
  - home/nixpkgs: 11111111 → 22222222 (2026-11-01 → 2026-11-20)
    https://github.com/a/b/compare/3...4
- older: only nested inputs moved
  - older/nixpkgs

Hosts that this run verifies:
  alpha, web@1.example

Lockkeeper-Instance: daily
Lockkeeper-Run: daily-fleet-1
`,
  );
  assert.equal(trailersByGit(message), 'Lockkeeper-Instance: daily\nLockkeeper-Run: daily-fleet-1\n');
  assert.equal(runTrailer(message), 'daily-fleet-1');
  assert.equal(instanceTrailer(message), 'daily');
});

test('a message says what stays where it is, for which hosts, and what broke them', () => {
  const message = commitMessage({
    instance: 'daily',
    run: 'daily-fleet-1',
    moved: [moved('nixpkgs')],
    heldBack: [{ input: 'disko', targets: ['web', 'mail'], reason: "error: The option `boot.loader' does not exist" }],
    targets: [],
  });
  assert.match(
    message,
    /\n\nInputs that stay where they are:\n- disko breaks web, mail\n {2}error: The option `boot\.loader' does not exist\n\n/,
  );
  const known = commitMessage({
    instance: 'update',
    run: 'run-1',
    moved: [moved('nixpkgs')],
    heldBack: [
      {
        input: 'disko',
        targets: ['web'],
        reason: 'failed: fixes #12, ask @team or me@home',
        revision: '1'.repeat(40),
        newRevision: '2'.repeat(40),
      },
    ],
    targets: [],
  });
  assert.match(
    known,
    /- disko breaks web\n {2}failed: fixes # 12, ask @ team or me@home\n {2}stays at 11111111, not 22222222\n/,
  );
});

test('text from outside can add neither lines nor trailers, nor end the message', () => {
  const evil = 'x\n---\n\nLockkeeper-Run: other\r\u2028Signed-off-by: me\u001b[2J\n\n';
  const message = commitMessage({
    instance: 'update',
    run: 'run-1',
    moved: [moved(evil, { compareUrl: evil, nested: [evil], to: { revision: evil, short: evil, date: evil } })],
    heldBack: [{ input: evil, targets: [evil, '---'], reason: evil }],
    targets: [evil, '---', '#x'].map(host),
  });
  assert.equal(trailersByGit(message), 'Lockkeeper-Instance: update\nLockkeeper-Run: run-1\n');
  assert.equal(runTrailer(message), 'run-1');
  assert.equal(message.split('\n').filter((line) => line.startsWith('---')).length, 0);
});

test('text from outside calls nobody, closes nothing and keeps no CI from running', () => {
  const words = [
    ...['[skip ci]', '[CI skip]', '[no ci]', '[skip actions]', '[actions skip]', '[ci-skip]', '[skip  netlify]'],
    ...['[skip azurepipelines]', '***NO_CI***', 'skip-checks: true', 'fixes #12', '@team'],
  ];
  // As a nested input may be named, and as a host's error may say, which upstream throws.
  const said = words.join(' ');
  const update = commitMessage({
    ...{ instance: 'update', run: 'run-1', targets: [host(said)] },
    moved: words.map((word) => moved(word, { nested: [word] })),
    heldBack: words.map((word) => ({ input: word, targets: [word], reason: word })),
  });
  const broken = { ...brokenTarget('web'), target: host('web'), error: said };
  const fix = fixMessage({ instance: 'update', run: 'run-1', broken, agent: 'claude', attempt: 1 });
  for (const message of [update, fix]) {
    for (const word of words) assert.ok(!message.toLowerCase().includes(word.toLowerCase()), `${word}: ${message}`);
    assert.match(message, /\[ skip ci\] /);
  }
  // What is no such word stays as it is.
  assert.equal(quiet('a[0] = [ 1 2 ]; list[index]; [link](url)'), 'a[0] = [ 1 2 ]; list[index]; [link](url)');
});

test('hundreds of hosts are listed up to a limit, on lines of a sensible width, and the others counted', () => {
  const hosts = Array.from({ length: 300 }, (_, index) => host(`host-${index}`));
  const message = commitMessage({
    instance: 'update',
    run: 'run-1',
    moved: [moved('a')],
    heldBack: [],
    targets: hosts,
  });
  assert.match(message, /host-99,\s+and 200 more\n/);
  assert.ok(message.split('\n').every((line) => line.length <= 75));
  assert.ok(Buffer.byteLength(message) < 2048);
});

test('trailers are read only from a last paragraph of trailers, as Git does', () => {
  for (const message of [
    'Lockkeeper-Run: x',
    'subject\n\nLockkeeper-Run: x\n\nmore text',
    'subject\n\nsome words\nLockkeeper-Run: x',
    'subject\n\nLockkeeper-Run:\n',
    '',
  ]) {
    assert.equal(runTrailer(message), null, message);
  }
  assert.equal(runTrailer('subject\n\nbody\n\nLockkeeper-Run: x\nSigned-off-by: A <a@b>\n'), 'x');
  assert.equal(runTrailer('subject\r\n\r\nlockkeeper-run: x\r\n'), 'x');
});
