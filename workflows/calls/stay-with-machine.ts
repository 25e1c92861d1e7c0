import { ActivityFailure, ApplicationFailure, TimeoutFailure, isCancellation, patched } from '@temporalio/workflow';

/** Work that its machine goes on with when the worker that follows it is lost, or cannot be reached. */
export interface Lasting<T> {
  /** How long the machine may be silent before another one begins the work anew. */
  readonly takeoverSeconds: number;
  /** On whichever machine takes it. */
  readonly anywhere: (round: number) => Promise<T>;
  /** On the machine that has it, unless that does not take it up within so many milliseconds. */
  readonly there: (machine: string, withinMs: number, round: number) => Promise<T>;
  /** The result for failures other than a lost worker; `null`: start again on any machine. */
  readonly otherwise: (error: unknown) => Promise<T | null>;
  /** Told while only the machine that has the work may do it, which nobody else's presence or absence changes. */
  readonly held?: (isHeld: boolean) => void;
}

/** Seconds without a heartbeat after which a worker counts as lost. */
export const HEARTBEAT_SECONDS = 5;

/** What a worker says of work that its version does not do on a machine's own queue. */
export const NOT_DONE_THERE = 'NotFoundError';

/** Work whose worker is lost this often is failed by the machine. */
const MOST_ROUNDS = 100;

/** What the machine was last known to do. */
interface Sign {
  readonly machine: string;
  /** When it gave its last sign of life, in milliseconds since 1970. */
  readonly at: number;
}

/**
 * Does lasting work, and stays with the machine that has it: until the takeover time has passed since that machine's last
 * sign of life, nobody else begins it anew. Each call may be lost, because a connection that died is still handed tasks: one
 * that is lost without a sign of life says nothing of the machine.
 */
export async function stayWithMachine<T>(work: Lasting<T>): Promise<T> {
  const takeoverMs = work.takeoverSeconds * 1000;
  let last: Sign | null = null;
  let counts = false;
  for (let round = 1; ; round++) {
    const left: number = last === null ? 0 : counts ? last.at + takeoverMs - Date.now() : takeoverMs;
    if (left <= 0) last = null;
    work.held?.(last !== null && counts);
    try {
      return last === null ? await work.anywhere(round) : await work.there(last.machine, left, round);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const loss = lossOf(error, last !== null);
      work.held?.(false);
      if (loss === 'no-loss' || round >= MOST_ROUNDS) {
        const answer = await work.otherwise(error);
        if (answer !== null) return answer;
        last = null;
        continue;
      }
      // replay-tested: 2026-11-28, test/replay/0.1.0
      if (!patched('takeover-from-last-sign')) {
        last = loss === 'silent' ? null : loss;
        continue;
      }
      counts = true;
      if (loss !== 'silent') last = loss;
    }
  }
}

/** What a failure tells of the machine: when it last gave a sign of life, nothing, that it has nothing, or that it lives. */
function lossOf(error: unknown, there: boolean): Sign | 'silent' | 'no-loss' | null {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const now = Date.now();
  if (cause instanceof TimeoutFailure) {
    const details = cause.lastHeartbeatDetails as { readonly machine?: string } | undefined;
    const at = (ms: number): Sign | 'silent' =>
      details?.machine === undefined ? 'silent' : { machine: details.machine, at: ms };
    if (cause.timeoutType === 'HEARTBEAT') return at(now - HEARTBEAT_SECONDS * 1000);
    // The work itself goes on.
    if (cause.timeoutType === 'START_TO_CLOSE') return at(now);
    // Not taken up within the takeover time.
    if (cause.timeoutType === 'SCHEDULE_TO_START' && there) return null;
  }
  if (!(cause instanceof ApplicationFailure)) return 'no-loss';
  if (cause.type === 'WorkerRestarted' || cause.type === 'WorkerStopped') {
    const details = cause.details?.[0] as { readonly machine?: string } | undefined;
    return details?.machine === undefined ? 'silent' : { machine: details.machine, at: now };
  }
  // Of a worker that does not know such work on its own queue.
  return cause.type === NOT_DONE_THERE && there ? null : 'no-loss';
}
