import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nothingVerified } from '../../model/report/nothing-verified.js';
import { verdictOf } from '../../model/verify/verdict.js';
import type { Verdict } from '../../model/verify/verdict.js';

const broken = (name: string, error = 'it is broken'): Verdict =>
  verdictOf({ kind: 'nixos', name }, 'build-failed', { error });
const built = (name: string): Verdict => ({ ...broken(name), verdict: 'built', error: null });
const DEFAULTS = { required: ['a', 'b'], brokenOnBase: ['a', 'b'], leavesBehind: false, impure: false };

test('one required host that was built is enough, and one that is not required where hosts may be left behind', () => {
  assert.equal(nothingVerified({ ...DEFAULTS, verdicts: [broken('a'), built('b')] }), null);
  const other = { ...DEFAULTS, required: ['a'], verdicts: [broken('a'), built('b')] };
  assert.match(nothingVerified(other) ?? '', /not one required host was built \(a\)\. It was broken before/);
  assert.equal(nothingVerified({ ...other, leavesBehind: true }), null);
});

test('without a host that was built nothing lands, whatever the policy, and the likely way out is named', () => {
  const verdicts = [broken('a', "use '--impure' to override"), broken('b')];
  for (const leavesBehind of [false, true]) {
    const why = nothingVerified({ ...DEFAULTS, verdicts, leavesBehind }) ?? '';
    assert.match(why, /not one host was built \(a, b\)\. All of them were broken before the update as well\./);
    assert.match(why, /need --impure/);
  }
  assert.match(
    nothingVerified({ ...DEFAULTS, verdicts: [broken('a', 's.nix is behind the Git filter rot'), broken('b')] }) ?? '',
    /without the files that a Git filter decrypts/,
  );
  const fresh = nothingVerified({ ...DEFAULTS, verdicts: [broken('a')], brokenOnBase: [], required: [] }) ?? '';
  assert.match(fresh, /^Nothing is known of this update, because not one host was built \(a\)\. If they/);
});

test('gates alone say nothing of hosts that a run does not have', () => {
  const gate = { kind: 'gate', name: 'lint', check: { kind: 'preset', preset: 'fmt' }, timeoutSeconds: 1 } as const;
  const verdicts = [verdictOf(gate, 'build-failed', { error: 'no' })];
  assert.equal(nothingVerified({ ...DEFAULTS, verdicts }), null);
});
