import { type ApplicationFailure, log, setCurrentDetails, upsertMemo, workflowInfo } from '@temporalio/workflow';
import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { startInId } from '../../model/run/ids.js';
import { finalFailure } from '../../model/run/failures.js';
import { APPROVE, REJECT } from '../../model/run/messages.js';
import { REFUSED_MEMO, refusalWords, unprovenIn, type Unproven } from '../../model/run/proof.js';

/** Started without an argument by their parents. */
const WITHOUT_ARGUMENTS = ['holdRepository'];
/** Whether one without proof counts is an option of the run: see `update/approval.ts`. */
const DECISIONS: readonly string[] = [APPROVE, REJECT];
/** How long the start of a run is good for, with room for clocks that differ. */
const START_MS = 3_600_000;

const NOTHING: Unproven = { why: 'has no argument, and so no proof', value: null };

const fault = (args: readonly unknown[]): Unproven | null =>
  args.length === 0 ? NOTHING : (args.map(unprovenIn).find((unproven) => unproven !== null) ?? null);

const refused = (words: string): ApplicationFailure => finalFailure('RunRefused', words);

/** A run is started when its id says. Later, somebody starts it once more with what they read in its history. */
function startedAgain(): Unproven | null {
  const { workflowId, workflowType, startTime } = workflowInfo();
  const meant = startInId(workflowId);
  if (workflowType !== 'updateFlake' || meant === null) return null;
  if (Math.abs(startTime.getTime() - meant) <= START_MS) return null;
  return { why: 'names another time than now, so it repeats the start of an earlier run', value: null };
}

/**
 * What comes in without proof ends here, before it has an effect: a start ends the workflow as refused, an update is refused, a signal
 * is left out. Where no key is used, everything counts as proven.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [
    {
      execute: (input, next) => {
        const { workflowType, unsafe } = workflowInfo();
        const isEmpty = input.args.length === 0 && WITHOUT_ARGUMENTS.includes(workflowType);
        const unproven = isEmpty ? null : (fault(input.args) ?? startedAgain());
        if (unproven === null) return next(input);
        const words = refusalWords('This start', unproven);
        // It went on when there was no key, and can only go on with what it was started with.
        if (unsafe.isReplaying) return Promise.reject(new Error(words));
        upsertMemo({ [REFUSED_MEMO]: words });
        setCurrentDetails(words);
        return Promise.reject(refused(words));
      },
      handleSignal: (input, next) => {
        const unproven = fault(input.args);
        if (unproven === null || DECISIONS.includes(input.signalName)) return next(input);
        log.warn(refusalWords(`The signal ${input.signalName}`, unproven));
        return Promise.resolve();
      },
      validateUpdate: (input, next) => {
        const unproven = fault(input.args);
        if (unproven !== null && !DECISIONS.includes(input.name)) {
          throw refused(refusalWords(`The update ${input.name}`, unproven));
        }
        next(input);
      },
    },
  ],
});
