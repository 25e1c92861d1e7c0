import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evidenceOf, keepFailures, type ProbeFailure } from '../../model/hold-back/evidence.js';
import { findings } from '../../model/hold-back/findings.js';
import type { SearchResult } from '../../model/hold-back/search.js';
import { FAILURES_LISTED } from '../../model/report/data.js';
import { tailBytes } from '../../model/verify/verification.js';
import { verdictOf } from '../../model/verify/verdict.js';
import type { Verdict } from '../../model/verify/verdict.js';

const broken = (name: string, says: string): Verdict => ({
  ...verdictOf({ kind: 'nixos', name }, 'build-failed', { error: 'exit code 7' }),
  failedDrv: `/nix/store/${says}.drv`,
  machine: 'm1',
  logPath: `/logs/${says}`,
  logTail: `error: ${says}`,
});
const failure = (move: readonly string[], says: string): ProbeFailure => ({ move, verdict: broken('web', says) });
const held = (...names: readonly string[]): SearchResult => ({
  kind: 'found',
  held: names.map((name) => [name]),
  smallest: true,
});

test('an input that is held back shows how the candidate fails that moves everything', () => {
  const results = new Map([
    ['web', held('beta')],
    ['mail', held('beta')],
  ]);
  const { heldBack } = findings({
    broken: [broken('web', 'gone'), broken('mail', 'gone')],
    groups: [['alpha'], ['beta']],
    never: [],
    results,
    evidence: evidenceOf(results, [failure(['beta'], 'elsewhere')]),
  });
  assert.deepEqual(heldBack, [
    {
      input: 'beta',
      targets: ['web', 'mail'],
      reason: 'exit code 7: error: gone',
      logPath: '/logs/gone',
      failures: ['web', 'mail'].map((target, index) => ({
        target,
        error: 'exit code 7: error: gone',
        failedDrv: '/nix/store/gone.drv',
        machine: 'm1',
        logPath: '/logs/gone',
        logTail: index === 0 ? 'error: gone' : null,
      })),
    },
  ]);
});

test('with several inputs to blame each shows the probe that moved it without the others', () => {
  const results = new Map([['web', held('alpha', 'gamma')]]);
  const failures = [
    failure(['alpha', 'beta', 'gamma'], 'first'),
    failure(['beta', 'gamma'], 'by gamma'),
    failure(['alpha'], 'by alpha'),
  ];
  const { heldBack } = findings({
    broken: [broken('web', 'first')],
    groups: [['alpha'], ['beta'], ['gamma']],
    never: [],
    results,
    evidence: evidenceOf(results, failures),
  });
  assert.deepEqual(
    heldBack.map(({ input, reason, logPath }) => [input, reason, logPath]),
    [
      ['alpha', 'exit code 7: error: by alpha', '/logs/by alpha'],
      ['gamma', 'exit code 7: error: by gamma', '/logs/by gamma'],
    ],
  );
});

test('of an input that breaks many hosts all are named, and the first ones shown', () => {
  const names = Array.from({ length: 100 }, (_, index) => `h${index}`);
  const { heldBack } = findings({
    broken: names.map((name) => broken(name, 'gone')),
    groups: [['alpha']],
    never: [],
    results: new Map(names.map((name) => [name, held('alpha')])),
    evidence: [],
  });
  assert.deepEqual([heldBack[0]?.targets.length, heldBack[0]?.failures?.length], [100, FAILURES_LISTED]);
});

test('with very many inputs each shows fewer failures, so that a report stays below what a payload may have', () => {
  const hosts = Array.from({ length: 100 }, (_, index) => `h${index}`);
  const inputs = Array.from({ length: 200 }, (_, index) => `input-${index}`);
  const { heldBack } = findings({
    broken: hosts.map((name) => broken(name, 'x'.repeat(2000))),
    groups: inputs.map((name) => [name]),
    never: [],
    results: new Map(hosts.map((name) => [name, held(...inputs)])),
    evidence: [],
  });
  assert.equal(heldBack.length, 200);
  assert.ok(heldBack.every(({ targets, failures = [] }) => targets.length === 100 && failures.length === 2));
});

test('a search keeps the failures that may be shown, and not more of their logs than it can carry', () => {
  const first = keepFailures([], [failure(['alpha', 'beta', 'gamma'], 'all')]);
  const second = keepFailures(first, [failure(['alpha'], 'alpha'), failure(['beta'], 'beta')]);
  assert.deepEqual(
    second.map(({ verdict }) => verdict.logPath),
    ['/logs/all', '/logs/alpha', '/logs/beta'],
    'nothing else shows how gamma breaks it',
  );
  const third = keepFailures(second, [failure(['gamma', 'beta'], 'gamma')]);
  assert.deepEqual(
    third.map(({ verdict }) => verdict.logPath),
    ['/logs/alpha', '/logs/beta', '/logs/gamma'],
  );
  const other: ProbeFailure = { move: ['alpha'], verdict: broken('mail', 'mail') };
  assert.equal(keepFailures(third, [other]).length, 4, 'another host tells nothing of this one');

  const logTail = `${'x'.repeat(99)}\n`.repeat(80);
  const many = Array.from({ length: 1000 }, (_, index): ProbeFailure => {
    return { move: ['alpha'], verdict: { ...broken(`h${index}`, 'x'), logTail } };
  });
  const kept = keepFailures([], many);
  assert.equal(kept.length, 1000);
  assert.ok(tailBytes(kept.map(({ verdict }) => verdict)) <= 1024 * 1024);
});

test('what probes showed of a thousand hosts fits into the result of their search', () => {
  const names = Array.from({ length: 1000 }, (_, index) => `host-${index}-`.padEnd(200, 'x'));
  const results = new Map(names.map((name) => [name, held('alpha', 'gamma')] as const));
  const failures = names.flatMap((name) =>
    ['alpha', 'gamma'].map((input): ProbeFailure => {
      return { move: [input], verdict: { ...broken(name, 'x'), error: 'e'.repeat(500) } };
    }),
  );
  const evidence = evidenceOf(results, failures);
  assert.ok(evidence.length > 500);
  assert.ok(JSON.stringify({ evidence, results: [...results] }).length < 1.5 * 1024 * 1024);
});
