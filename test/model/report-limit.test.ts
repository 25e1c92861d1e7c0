import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderReport } from '../../model/report/render.js';
import type { RunOptions } from '../../model/run/options.js';
import type { TargetProgress } from '../../model/progress/progress.js';
import { utf8Length } from '../../model/text/text.js';
import { verdictOf, type Verdict } from '../../model/verify/verdict.js';
import { fold, NOTHING_FOUND, type Facts } from '../../workflows/update/facts.js';
import { reportOf } from '../../workflows/update/report-of.js';

const HOSTS = 1000;
const INPUTS = 10;

/** All hosts break, each with a long name, and with as long a message as there is, of characters that JSON doubles. */
function facts(words: string, heldBack: boolean): Facts {
  const names = Array.from({ length: HOSTS }, (_, index) => `host-${index}-`.padEnd(200, 'x'));
  const error = words.repeat(500 / words.length);
  const logPath = `/var/lib/lockkeeper/evaluations/${'x'.repeat(150)}/evaluation.log`;
  return {
    ...NOTHING_FOUND,
    outcome: 'broken',
    required: names,
    brokenOnBase: names,
    notHeldBack: names.map((target) => ({ target, reason: error })),
    heldBack: heldBack
      ? Array.from({ length: INPUTS }, (_, index) => ({ input: `input-${index}`, targets: names, reason: error }))
      : [],
    verdicts: names.map((name) =>
      verdictOf({ kind: 'nixos', name }, 'evaluation-failed', { error, machine: 'vm', logPath, logTail: error }),
    ),
  };
}

const NIX: RunOptions['nix'] = { options: [], impure: false, acceptFlakeConfig: false };
const REPOSITORY = { displayUrl: 'https://git.example.org/fleet.git' };
const OPTIONS = { instance: '', repository: REPOSITORY as RunOptions['repository'], nix: NIX } as RunOptions;
const WHOLE = { id: 'run', options: OPTIONS, startTime: new Date(0), targets: [] as readonly TargetProgress[] };

for (const [what, words, heldBack] of [
  ['with plain messages', 'abcde', false],
  ['with messages of quotes', '"', false],
  ['with messages of characters that take three bytes', '\u2026', false],
  ['and every input is held back for all of them', '"', true],
] as const)
  test(`a report of a thousand hosts that all break fits into a payload, and names each of them: ${what}`, () => {
    const report = reportOf(facts(words, heldBack), WHOLE);
    const bytes = utf8Length(JSON.stringify(report));
    // Two messages with the report are one message to the server, which takes 4 MiB.
    assert.ok(bytes <= 1.5 * 1024 * 1024, `${bytes} bytes`);
    assert.equal(report.targets.length, HOSTS);
    assert.equal(new Set(report.targets.map(({ name }) => name)).size, HOSTS);
    assert.ok(report.targets.every(({ error }) => (error ?? '').length > 10));
    assert.ok(renderReport(report, 'text', { color: false }).length > 1000);
  });

test('a report that fits is left as it is', () => {
  const { verdicts, ...rest } = facts('abcde', false);
  const report = reportOf({ ...rest, notHeldBack: [], verdicts: verdicts.slice(0, 100) }, WHOLE);
  assert.equal(report.targets[0]?.error, 'abcde'.repeat(100));
});

test('a target that was verified more than once has the time and the builds of the verification that took the longest', () => {
  const verified = (seconds: number, builds: number, error: string | null): Verdict =>
    verdictOf({ kind: 'nixos', name: 'athena' }, error === null ? 'built' : 'build-failed', {
      ...{ seconds, error, plan: { builds, fetches: 0, downloadBytes: 0, unpackedBytes: 0 } },
    });
  const [first, second] = [verified(80, 12, 'broken'), verified(2, 0, null)];
  const found = fold(fold(NOTHING_FOUND, { verdicts: [first] }), { verdicts: [second] });
  const [target] = reportOf({ ...found, outcome: 'landed' }, WHOLE).targets;
  assert.deepEqual([target?.verdict, target?.seconds, target?.plan?.builds], ['built', 80, 12]);
});
