import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseLog, placesIn, type WantedLog } from '../../client/runs/log-places.js';
import type { HeldBackInput } from '../../model/report/data.js';
import { exampleReport, exampleTarget } from '../support/report.js';

const held = (input: string, ...targets: readonly string[]): HeldBackInput => ({
  input,
  targets,
  reason: 'is broken',
  newRevision: '9'.repeat(40),
  failures: targets.map((target) => ({
    target,
    error: 'is broken',
    failedDrv: null,
    machine: 'm2',
    logPath: `/${input}/${target}`,
    logTail: null,
  })),
});
const target = (name: string, broken = false) =>
  exampleTarget(name, { logPath: `/final/${name}`, machine: 'm1', ...(broken ? { verdict: 'build-failed' } : {}) });

const DEFAULT: WantedLog = { target: null, attempt: null, input: null, final: false };
const REPORT = exampleReport({
  targets: [target('athena'), target('rhea'), target('kyushu', true)],
  heldBack: [held('alpha', 'rhea'), held('beta', 'rhea', 'kyushu')],
});
const chosen = (wanted: Partial<WantedLog>, report = REPORT) =>
  chooseLog(placesIn(report, null), 'run-1', { ...DEFAULT, ...wanted }, false)?.place;

test('the log of a host is that of the failure for which an input is held back, wherever it lies', () => {
  assert.deepEqual(chosen({ target: 'rhea' }), { logPath: '/alpha/rhea', machine: 'm2' });
  assert.deepEqual(chosen({ target: 'rhea', input: 'beta' }), { logPath: '/beta/rhea', machine: 'm2' });
  assert.deepEqual(chosen({ input: 'beta' }), { logPath: '/beta/rhea', machine: 'm2' });
  assert.deepEqual(chosen({ target: 'rhea', final: true }), { logPath: '/final/rhea', machine: 'm1' });
  assert.deepEqual(chosen({ target: 'athena' }), { logPath: '/final/athena', machine: 'm1' });
});

test('a host that is broken in the end shows that', () => {
  assert.equal(chosen({ target: 'kyushu' })?.logPath, '/final/kyushu');
  assert.equal(chosen({})?.logPath, '/final/kyushu', 'the only one that is broken');
});

test('without a host the one input to blame is meant, and with several a host is to be named', () => {
  const targets = [target('athena'), target('rhea')];
  const one = exampleReport({ targets, heldBack: [held('beta', 'rhea', 'athena')] });
  assert.equal(chosen({}, one)?.logPath, '/beta/rhea');
  const two = exampleReport({ targets, heldBack: [held('alpha', 'athena'), held('beta', 'rhea')] });
  assert.throws(() => chosen({}, two), /has several logs: name a target of athena, rhea/);
});

test('an input that breaks nothing has no log, and those that have one are named', () => {
  assert.throws(
    () => chosen({ input: 'gamma' }),
    /no log of anything that breaks with "gamma": it has rhea with alpha, rhea with beta/,
  );
  assert.throws(() => chosen({ input: 'beta', target: 'athena' }), /no log of "athena" that breaks with "beta"/);
});
