import { isOwnVerification } from '../../model/run/ids.js';
import type { BuildHeartbeat, EvaluateHeartbeat } from '../../model/contract/activities.js';
import type { Verdict } from '../../model/verify/verdict.js';
import type { Session } from './connection.js';
import { retryProblem } from './problems.js';

/** What is known, from the server alone, of the work on one target. */
export type PendingWork =
  | {
      readonly step: 'evaluate';
      readonly started: boolean;
      readonly heartbeat: EvaluateHeartbeat | null;
      /** Why it is tried again; `null` at its first try. */
      readonly again: string | null;
    }
  | { readonly step: 'build'; readonly started: boolean; readonly heartbeat: BuildHeartbeat | null };

const STARTED = 2;

/** Work on targets in a `verifyCandidate` child, by target: its pending activities and what they last told of themselves. */
export async function pendingWork(session: Session, child: string): Promise<ReadonlyMap<string, PendingWork>> {
  const { defaultPayloadConverter } = await import('@temporalio/common');
  const description = await session.client.workflow.getHandle(child).describe();
  const work = new Map<string, PendingWork>();
  for (const activity of description.raw.pendingActivities ?? []) {
    const started = Number(activity.state) === STARTED;
    const [payload] = activity.heartbeatDetails?.payloads ?? [];
    const heartbeat: unknown = payload === undefined ? null : defaultPayloadConverter.fromPayload(payload);
    const [, step, target] = /^(evaluate|build) (.+?)(?: #\d+)?$/s.exec(activity.activityId ?? '') ?? [];
    if (target === undefined || (work.get(target)?.step === 'build' && step === 'evaluate')) continue;
    if (step === 'build') work.set(target, { step, started, heartbeat: heartbeat as BuildHeartbeat | null });
    else {
      const again = await retryProblem([activity]);
      work.set(target, { step: 'evaluate', started, heartbeat: heartbeat as EvaluateHeartbeat | null, again });
    }
  }
  return work;
}

const CHILD_STARTED = 31;

/** Ids of all `verifyCandidate` children that verify what a run means to land, also of those that are over, oldest first. */
export async function verificationsOf(session: Session, run: string): Promise<readonly string[]> {
  const history = await session.client.workflow.getHandle(run).fetchHistory();
  return (history.events ?? [])
    .filter(({ eventType }) => Number(eventType) === CHILD_STARTED)
    .map((event) => event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId ?? '')
    .filter((id) => isOwnVerification(run, id));
}

const COMPLETED = 12;

/** Verdicts that a `verifyCandidate` child has so far, read from its history: the run itself tells them without their logs. */
export async function finishedVerdicts(session: Session, child: string): Promise<readonly Verdict[]> {
  const { defaultPayloadConverter } = await import('@temporalio/common');
  const history = await session.client.workflow.getHandle(child).fetchHistory();
  return (history.events ?? []).flatMap((event) => {
    if (Number(event.eventType) !== COMPLETED) return [];
    const [payload] = event.activityTaskCompletedEventAttributes?.result?.payloads ?? [];
    const value: unknown = payload === undefined ? null : defaultPayloadConverter.fromPayload(payload);
    if (typeof value !== 'object' || value === null) return [];
    // What an evaluation gives holds a verdict when it failed.
    const verdict = 'target' in value ? value : 'verdict' in value ? value.verdict : null;
    return typeof verdict === 'object' && verdict !== null ? [verdict as Verdict] : [];
  });
}
