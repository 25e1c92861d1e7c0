import { heartbeat } from '@temporalio/activity';
import type { WaitHeartbeat } from '../../model/contract/verification.js';
import { redactUrl } from '../../model/text/text.js';

const PATIENCE_MS = 4000;

/** Does what has to do with a remote, in an activity of coordinators: after a few seconds its heartbeats say what it waits for. */
export async function whileWaitingFor<T>(remote: string, work: () => Promise<T>): Promise<T> {
  const since = new Date().toISOString();
  const told = { wait: false };
  const timer = setTimeout(() => {
    told.wait = true;
    heartbeat({ waitsFor: redactUrl(remote), since } satisfies WaitHeartbeat);
  }, PATIENCE_MS);
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    if (told.wait) heartbeat(null);
  }
}
