import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { knownVerdicts, settingsText } from '../../model/report/known-verdicts.js';
import type { NixSettings } from '../../model/run/options.js';
import { exampleReport } from '../support/report.js';
import { repositoryAt } from '../support/repository.js';

const repository = repositoryAt('/srv/fleet.git');
const HEAD = 'a'.repeat(40);
const HOUR = 3_600_000;
const startedAt = '2026-11-29T10:00:00.000Z';
const now = Date.parse(startedAt) + HOUR;
const targets = ['athena', 'rhea', 'delos'].map((name) => ({ kind: 'nixos' as const, name }));
const [built, broken, skipped] = ['built', 'build-failed', 'skipped'] as const;

function reported(change: Partial<Report> = {}, verdicts = [built, broken, skipped] as const): Report {
  const example = exampleReport();
  const [target] = example.targets;
  assert.ok(target !== undefined);
  return {
    ...example,
    ...{ repository: repository.displayUrl, flakeDir: '', head: HEAD, outcome: 'broken', startedAt, run: 'first' },
    nixSettings: '',
    targets: targets.map(({ name }, index) => ({
      ...target,
      name,
      kind: 'nixos',
      verdict: verdicts[index] ?? 'built',
    })),
    ...change,
  };
}

const known = (reports: readonly Report[], at = now) =>
  knownVerdicts(reports, { repository, commit: HEAD, targets }, at).map(({ target, verdict, knownFrom }) =>
    [target.name, verdict, knownFrom].join(' '),
  );

test('what an earlier run built at a commit is known, and what broke there for a day; what was not tried is not', () => {
  assert.deepEqual(known([reported()]), ['athena built first', 'rhea build-failed first']);
  assert.deepEqual(known([reported()], now + 24 * HOUR), ['athena built first']);
});

test('the newest run that knows counts, and one that itself only knew a failure makes it no younger', () => {
  const again = reported({ run: 'second' });
  assert.deepEqual(known([again, reported()]), ['athena built second', 'rhea build-failed second']);
  const passedOn = again.targets.map((target) => ({ ...target, knownFrom: 'first' }));
  const late = { ...again, targets: passedOn, startedAt: new Date(now + 20 * HOUR).toISOString() };
  assert.deepEqual(known([late, reported()], now + 25 * HOUR), ['athena built first']);
});

test('what broke under other settings of Nix is not known', () => {
  const usual: NixSettings = { options: [], impure: false, acceptFlakeConfig: false };
  const kept = { ...usual, options: [['max-jobs', '1']] as const };
  const accepting = { ...usual, acceptFlakeConfig: true };
  const tokens = { ...usual, accessTokensFile: '/run/tokens' };
  const all = [usual, kept, accepting, tokens];
  for (const [index, nix] of all.entries()) {
    const nixSettings = settingsText(nix);
    const report = reported({ nixSettings });
    const found = all.map(
      (other) => knownVerdicts([report], { repository, commit: HEAD, targets, nix: other }, now).length > 0,
    );
    assert.deepEqual(
      found,
      all.map((_, other) => other === index),
    );
  }
  const { nixSettings, ...older } = reported();
  assert.deepEqual([nixSettings, known([older])], ['', []], 'a report of an earlier version does not tell them');
});

test('verdicts of another commit, repository, folder or of an impure or unfinished run are not known', () => {
  const { flakeDir, ...impure } = reported();
  assert.equal(flakeDir, '');
  for (const other of [
    reported({ head: 'b'.repeat(40) }),
    reported({ repository: '/srv/other.git' }),
    reported({ flakeDir: 'nix' }),
    reported({ outcome: 'cancelled' }),
    impure,
  ])
    assert.deepEqual(known([other]), []);
});
