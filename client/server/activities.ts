import { isOwnVerification } from '../../model/run/ids.js';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import type {
  BuildHeartbeat,
  EvaluateHeartbeat,
  UploadHeartbeat,
  WaitHeartbeat,
} from '../../model/contract/verification.js';
import { oneLine } from '../../model/text/one-line.js';
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
  | { readonly step: 'build'; readonly started: boolean; readonly heartbeat: BuildHeartbeat | null }
  | { readonly step: 'upload'; readonly started: boolean; readonly heartbeat: UploadHeartbeat | null };

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
    const [, step, target] = /^(evaluate|build|upload) (.+?)(?: #[\d-]+)?$/s.exec(activity.activityId ?? '') ?? [];
    const known = target === undefined ? undefined : work.get(target)?.step;
    if (target === undefined || (known !== undefined && known !== 'evaluate' && step === 'evaluate')) continue;
    if (step === 'build') work.set(target, { step, started, heartbeat: heartbeat as BuildHeartbeat | null });
    else if (step === 'upload') work.set(target, { step, started, heartbeat: heartbeat as UploadHeartbeat | null });
    else {
      const again = await retryProblem([activity]);
      work.set(target, { step: 'evaluate', started, heartbeat: heartbeat as EvaluateHeartbeat | null, again });
    }
  }
  return work;
}

/** Which remotes a run's own steps wait for, as they tell it themselves: in one line; `null` when none does. */
export async function remoteWaits({ raw }: WorkflowExecutionDescription): Promise<string | null> {
  const { defaultPayloadConverter } = await import('@temporalio/common');
  const waits = (raw.pendingActivities ?? []).flatMap(({ heartbeatDetails }) => {
    const [payload] = heartbeatDetails?.payloads ?? [];
    const told: unknown = payload === undefined ? null : defaultPayloadConverter.fromPayload(payload);
    if (typeof told !== 'object' || told === null) return [];
    const { waitsFor } = told as Partial<WaitHeartbeat>;
    return typeof waitsFor === 'string' ? [waitsFor] : [];
  });
  return waits.length === 0 ? null : oneLine(`waits for ${[...new Set(waits)].join(', ')}`, 300);
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
