import assert from 'node:assert/strict';
import { test } from 'node:test';
import { branchesToTry, updateBranches } from '../../model/landing/branches.js';
import { landingIntent } from '../../model/landing/index.js';
import type { LandingMode, RunOptions } from '../../model/run/options.js';

const named = (timeZone: string, moment: string): readonly string[] => {
  const landing = { mode: 'branch', branchPrefix: 'bot/update-' } as const;
  const { branch, fallbackBranch } = updateBranches({ landing, timeZone }, new Date(moment));
  return [branch, fallbackBranch];
};

test('an update branch is named after the day that it is in the run’s time zone, and after the time if need be', () => {
  const cases: readonly (readonly [timeZone: string, moment: string, stamp: string])[] = [
    ['UTC', '2026-11-21T23:30:05Z', '20261121-233005'],
    ['Pacific/Kiritimati', '2026-11-21T23:30:05Z', '20261122-133005'],
    ['America/Los_Angeles', '2027-01-01T00:00:00Z', '20261231-160000'],
    ['Europe/Berlin', '2026-12-31T23:00:00Z', '20270101-000000'],
    ['Europe/Berlin', '2026-07-01T22:05:09Z', '20260702-000509'],
  ];
  for (const [timeZone, moment, stamp] of cases) {
    const [day] = stamp.split('-');
    assert.deepEqual(named(timeZone, moment), [`bot/update-${day ?? ''}`, `bot/update-${stamp}`], timeZone);
  }
});

test('a pull request has one branch, beside which others are taken that are known again', () => {
  const landing = { mode: 'pull-request', branchPrefix: 'x-', branch: 'bot/x' } as const;
  const branches = updateBranches({ landing, timeZone: 'UTC' }, new Date('2026-11-21T09:30:00Z'));
  assert.deepEqual(branches, { branch: 'bot/x', fallbackBranch: 'bot/x-20261121-093000' });
  const taken = ['bot/x-20261120-010101-2', 'bot/x-y', 'bot/x'];
  assert.deepEqual(branchesToTry(branches, taken, [taken[0] ?? '']).slice(0, 3), [
    taken[0],
    'bot/x',
    'bot/x-20261121-093000',
  ]);
});

test('a run says what it will push and where, whether somebody is asked first, and that a dry run pushes nothing', () => {
  const intent = (mode: LandingMode, change: { readonly local?: boolean; readonly asks?: boolean } = {}): string =>
    landingIntent(
      {
        repository: { displayUrl: 'git@forge.example:fleet', mainBranch: 'trunk', local: change.local ?? false },
        landing: { mode, branchPrefix: 'flake-update-', ...(mode === 'pull-request' ? { branch: 'bot/x' } : {}) },
        approval: change.asks === true ? { deadlineSeconds: 60, reminderSeconds: 60 } : null,
        timeZone: 'UTC',
      } as RunOptions,
      new Date('2026-11-21T12:00:00Z'),
    );
  assert.equal(intent('branch'), 'will push branch flake-update-20261121 at git@forge.example:fleet');
  assert.equal(
    intent('branch', { local: true, asks: true }),
    'will write branch flake-update-20261121 in git@forge.example:fleet (it has no remote), once it is approved',
  );
  assert.equal(intent('merge'), 'will fast-forward trunk at git@forge.example:fleet');
  assert.equal(
    intent('pull-request'),
    'will propose branch bot/x for trunk as a pull request at git@forge.example:fleet',
  );
  assert.equal(intent('none'), 'dry run: nothing will be pushed');
});
