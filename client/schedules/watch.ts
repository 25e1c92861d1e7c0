import { parseCalendar, toScheduleSpec } from '../../model/calendar/index.js';
import type { Instance } from '../../model/config/options/index.js';
import { timeZoneOf } from '../../model/config/options/landing.js';
import { notificationsOf } from '../../model/config/options/notifications.js';
import { scheduleId, watchName } from '../../model/run/ids.js';
import { COORDINATOR_QUEUE, queueOf } from '../../model/run/queues.js';
import { redactUrl } from '../../model/text/text.js';
import { DAY_MS } from '../../model/text/span.js';
import type { Desired } from './desired.js';

/** After nights of builds, and while somebody can still do something about it. */
const LOOKS = '*-*-* 09:00';

/**
 * The schedules that look every day whether instances have succeeded within their `successAlarmSec`: one for each account, since
 * only its workers can read what telling people takes. They are applied as those of instances are.
 */
export function watchSchedules(owner: string, instances: readonly Instance[]): readonly Desired[] {
  const watched = instances.filter(({ successAlarmSec }) => successAlarmSec !== null);
  const users = [...new Set(watched.map(({ user }) => user))];
  return users.map((user) =>
    watchSchedule(
      owner,
      user,
      watched.filter((instance) => instance.user === user),
    ),
  );
}

function watchSchedule(owner: string, user: string | null, watched: readonly Instance[]): Desired {
  const name = watchName(owner, user);
  const id = scheduleId(name);
  const timeZone = watched[0] === undefined ? 'UTC' : timeZoneOf(watched[0]);
  return {
    scheduleId: id,
    memo: { lockkeeper: owner, instance: name },
    spec: { ...toScheduleSpec([parseCalendar(LOOKS, 'the watch')], { timeZone, field: 'the watch' }), jitter: 0 },
    policies: { overlap: 'SKIP', catchupWindow: DAY_MS, pauseOnFailure: false },
    action: {
      type: 'startWorkflow',
      workflowType: 'watchInstances',
      workflowId: id,
      taskQueue: queueOf(COORDINATOR_QUEUE, user),
      args: [watched.map(watchedInstance)],
      memo: {},
      staticSummary: `watch instances of ${owner}`,
    },
  };
}

const watchedInstance = (instance: Instance) => ({
  instance: instance.name,
  limitSeconds: instance.successAlarmSec,
  repository: redactUrl(instance.repoUrl ?? instance.repoPath ?? ''),
  ...notificationsOf(instance),
  timeZone: timeZoneOf(instance),
});
