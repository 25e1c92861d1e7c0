import { CancellationScope, defineUpdate, isCancellation, setHandler } from '@temporalio/workflow';
import { finalFailure } from '../../model/run/failures.js';
import { HOLD_BACK_INPUT, type HoldRequest } from '../../model/run/messages.js';
import { oneLine } from '../../model/text/one-line.js';
import type { Phase } from '../../model/progress/progress.js';
import type { HeldBackInput } from '../../model/report/data.js';
import type { RunState } from './run-state.js';

const holdBackInput = defineUpdate<string, [HoldRequest]>(HOLD_BACK_INPUT);

/** Phases in which the candidate may still become another one. */
const OPEN: readonly Phase[] = ['verifying', 'mending', 'holding-back', 'waiting-for-approval'];

/** Inputs that an operator holds back by hand. A request ends what the run does with the candidate that has the input. */
export interface HoldBackRequests {
  /** Does what is about the present candidate; `null` when a request came before or meanwhile. */
  readonly unlessAsked: <T>(work: () => Promise<T>) => Promise<T | null>;
  /** What was asked for since the last time. */
  readonly take: () => readonly HeldBackInput[];
}

/** @param onRequest hears of each request at once */
export function openHoldBackRequests(run: string, state: RunState, onRequest: () => void): HoldBackRequests {
  let asked: readonly HeldBackInput[] = [];
  // Until the rest is committed, the run still shows the inputs that were taken from it.
  const heldBack = new Set<string>();
  let interrupt: () => void = () => undefined;

  const refusal = (sent: Partial<HoldRequest> | null): string | null => {
    // Anybody can type an update by hand.
    if (typeof sent?.input !== 'string') return 'a request is {"input": "…", "by": "…", "comment": "…"}';
    const { phase, moved } = state.progress();
    if (!OPEN.includes(phase))
      return `run ${run} takes no input back now (it is ${phase}): it can while it is ${OPEN.join(', ')}`;
    const left = moved.map(({ name }) => name).filter((name) => !heldBack.has(name));
    if (!left.includes(sent.input))
      return `run ${run} does not move ${oneLine(sent.input, 120)}: it moves ${left.join(', ')}`;
    if (left.length === 1)
      return `${oneLine(sent.input, 120)} is all that run ${run} moves: end it with "lockkeeper cancel ${run}" instead`;
    return null;
  };
  const take = (sent: HoldRequest): string => {
    const comment = typeof sent.comment === 'string' && sent.comment !== '' ? `: ${sent.comment}` : '';
    const reason = oneLine(`held back by ${sent.by}${comment}`, 500);
    asked = [...asked, { input: sent.input, targets: [], reason }];
    heldBack.add(sent.input);
    onRequest();
    interrupt();
    return `holds back ${sent.input}`;
  };
  setHandler(holdBackInput, take, {
    description: 'Keep an input at its revision on main, and verify the rest again: {"input", "by", "comment"}',
    validator: (sent: HoldRequest) => {
      const reason = refusal(sent);
      if (reason !== null) throw finalFailure('NotHeldBack', reason);
    },
  });

  return {
    unlessAsked: async (work) => {
      if (asked.length > 0) return null;
      const scope = new CancellationScope();
      interrupt = () => {
        scope.cancel();
      };
      try {
        const result = await scope.run(work);
        return asked.length > 0 ? null : result;
      } catch (error) {
        if (asked.length > 0 && isCancellation(error) && !CancellationScope.current().consideredCancelled) return null;
        throw error;
      } finally {
        interrupt = () => undefined;
      }
    },
    take: () => {
      const taken = asked;
      asked = [];
      return taken;
    },
  };
}
