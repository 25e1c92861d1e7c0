import { childrenIn } from '../server/children.js';
import type { AttemptHeartbeat } from '../../model/autofix/attempt.js';
import type { Report } from '../../model/report/data.js';
import type { Session } from '../server/connection.js';
import type { LogPlace } from './logs.js';

/** Logs of the attempts with a number, by target, of a run that is over. */
export const attemptsOf = ({ fixes }: Report, number: number): ReadonlyMap<string, LogPlace | null> =>
  new Map(
    fixes.map(({ target, attempts }) => {
      const attempt = attempts.find((each) => each.number === number);
      return [target, attempt === undefined || attempt.logPath === '' ? null : attempt] as const;
    }),
  );

/** Logs of the attempts with a number that agents are at right now, by target. */
export async function attemptsUnderWay(
  session: Session,
  run: string,
  number: number,
): Promise<ReadonlyMap<string, LogPlace>> {
  const { defaultPayloadConverter } = await import('@temporalio/common');
  const children = childrenIn(await session.client.workflow.getHandle(run).describe(), 'fixTarget');
  const places = new Map<string, LogPlace>();
  for (const child of children) {
    const description = await session.client.workflow.getHandle(child).describe();
    for (const { activityId, heartbeatDetails } of description.raw.pendingActivities ?? []) {
      const [, found, target] = /^attempt (\d+) at (.+?)(?: #\d+)?$/s.exec(activityId ?? '') ?? [];
      const [payload] = heartbeatDetails?.payloads ?? [];
      if (target === undefined || Number(found) !== number || payload === undefined) continue;
      const { logPath, machine } = defaultPayloadConverter.fromPayload<AttemptHeartbeat>(payload);
      places.set(target, { logPath, machine });
    }
  }
  return places;
}
