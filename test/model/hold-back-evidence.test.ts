import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evidenceOf, type ProbeFailure } from '../../model/hold-back/evidence.js';
import { findings } from '../../model/hold-back/findings.js';
import type { SearchResult } from '../../model/hold-back/search.js';
import { FAILURES_LISTED } from '../../model/report.js';
import { failedVerdict } from '../../model/verify.js';
import type { Verdict } from '../../model/verdict.js';

const broken = (name: string, says: string): Verdict => ({
  ...failedVerdict({ kind: 'nixos', name }, 'build-failed', 'exit code 7', null),
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
