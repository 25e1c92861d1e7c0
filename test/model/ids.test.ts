import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fixId,
  holdBackId,
  idInSchedule,
  instanceRecordId,
  isOwnVerification,
  mayBeRunOf,
  mayBeRunOfInstance,
  runId,
  scheduledRunId,
  scheduleId,
  startInId,
  verificationId,
} from '../../model/run/ids.js';
import { repositoryAt } from '../support/repository.js';

const HEAD = '0123456789abcdef0123456789abcdef01234567';
const FLEET = repositoryAt('ssh://git@forge.example/fleet.git');
const NOW = new Date('2026-11-21T09:30:15.900Z');

/** Names that hold the words which ids of children are made of. */
for (const instance of ['update', 'x-verify-y', 'x-fix-y', 'a-hold-back-1', 'daily-20261121-093015']) {
  const run = runId(instance, FLEET, NOW);

  test(`ids of a run of ${instance} are made as ever`, () => {
    assert.equal(run, `${instance}-fleet-20261121-093015`);
    assert.equal(scheduledRunId(instance, FLEET), `${instance}-fleet`);
    assert.equal(scheduleId(instance), `lockkeeper-${instance}`);
    assert.equal(instanceRecordId(instance, 'eve'), `lockkeeper-instance-${instance}@eve`);
    assert.equal(verificationId(run, 'verify', HEAD, 2), `${run}-verify-0123456789ab-2`);
    assert.equal(holdBackId(run, HEAD), `${run}-hold-back-0123456789ab`);
    assert.equal(fixId(run, 'web', HEAD), `${run}-fix-web-0123456789ab`);
  });

  test(`ids of a run of ${instance} are taken apart`, () => {
    assert.equal(startInId(run), Date.UTC(2026, 10, 21, 9, 30, 15));
    assert.equal(startInId(`${scheduledRunId(instance, FLEET)}-2026-11-21T09:30:15Z`), null);
    assert.equal(
      idInSchedule(`${scheduledRunId(instance, FLEET)}-2026-11-21T09:30:15Z`),
      scheduledRunId(instance, FLEET),
    );
    assert.equal(idInSchedule(run), null);
    assert.equal(idInSchedule(`${run}-2026-11-21T09:30:15Z`), null, 'a run that a command started');
    assert.ok(mayBeRunOfInstance(instance, FLEET, run));
    assert.ok(!mayBeRunOfInstance(`${instance}-more`, FLEET, run));
    assert.ok(mayBeRunOf(FLEET, run));
    assert.ok(!mayBeRunOf(repositoryAt('/srv/other'), run));
  });

  test(`of the children of a run of ${instance}, those that verify what is to land are known`, () => {
    assert.ok(isOwnVerification(run, verificationId(run, 'verify', HEAD, 1)));
    for (const child of [
      verificationId(run, 'fix', HEAD, 1),
      verificationId(run, 'probe-1', HEAD, 1),
      holdBackId(run, HEAD),
      fixId(run, 'a-verify-b', HEAD),
    ])
      assert.ok(!isOwnVerification(run, child), child);
  });
}
