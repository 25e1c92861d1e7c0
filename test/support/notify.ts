import { MockActivityEnvironment } from '@temporalio/testing';
import { createNotify } from '../../activities/notify/notify.js';
import type { NewsOfRun } from '../../model/notify/types.js';
import type { NotificationResult } from '../../model/report/data.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import { exampleReport } from './report.js';

const newsOfRun = (change: Partial<NewsOfRun>): NewsOfRun => ({
  notifier: 'ntfy',
  options: { ntfy: null, inboxOrg: null },
  event: 'finished',
  report: exampleReport(),
  at: '2026-11-21T09:31:30.000Z',
  timeZone: 'Europe/Paris',
  ...change,
});

/** Runs the `notify` activity once, in an activity context of its own. */
export function notify(
  change: Partial<NewsOfRun>,
  context = new MockActivityEnvironment(),
): Promise<NotificationResult> {
  const activity = createNotify({ state: stateDirectory('/nonexistent'), machine: 'machine-1', hostName: 'testhost' });
  return context.run(activity, newsOfRun(change));
}
