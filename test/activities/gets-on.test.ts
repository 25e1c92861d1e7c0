import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStuck } from '../../activities/server/gets-on.js';

const at = (seconds: number) => ({ seconds: seconds as never, nanos: 0 });

test('a workflow is stuck when its task fails, or when nobody has done for long what it waits for', () => {
  const since = 1_000_000;
  assert.ok(!isStuck({}, since));
  assert.ok(!isStuck({ pendingWorkflowTask: { attempt: 1, originalScheduledTime: at(1001) } }, since));
  assert.ok(isStuck({ pendingWorkflowTask: { attempt: 2, originalScheduledTime: at(1001) } }, since), 'it fails');
  assert.ok(isStuck({ pendingWorkflowTask: { attempt: 1, originalScheduledTime: at(999) } }, since), 'nobody takes it');
  assert.ok(!isStuck({ pendingActivities: [{ scheduledTime: at(1001) }] }, since));
  assert.ok(isStuck({ pendingActivities: [{ scheduledTime: at(1001) }, { scheduledTime: at(999) }] }, since));
});
