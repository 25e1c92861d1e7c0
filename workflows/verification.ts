import { ChildWorkflowCancellationType, ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { Candidate } from '../model/candidate.js';
import { TARGETS_PER_VERIFICATION } from '../model/verify.js';
import type { ProbeKnowledge } from '../model/verify.js';
import type { Target, Verdict } from '../model/verdict.js';
import type { Run } from './run.js';
import { verifyCandidate } from './verify-candidate.js';

/** Verifies a run's candidate, and shows how far it is. */
export async function verify(run: Run, candidate: Candidate, targets: readonly Target[]): Promise<readonly Verdict[]> {
  const { state } = run;
  state.verdicts = [];
  state.phase('verifying');
  state.targets(targets);
  const verdicts = await inChildren(run, { label: 'verify', candidate, targets }, (children) => {
    state.set({ children });
  });
  state.set({ children: [] });
  state.verdicts = verdicts;
  return verdicts;
}

/** Verifies a probe, of which nobody is shown more than that it is made. */
export const verifyProbe = (
  run: Run,
  number: number,
  probe: { readonly candidate: Candidate; readonly targets: readonly Target[]; readonly knowledge: ProbeKnowledge },
): Promise<readonly Verdict[]> => inChildren(run, { ...probe, label: `probe-${number}` }, () => undefined);

/** Verifies a candidate in as many children as its targets need; they run side by side. */
async function inChildren(
  run: Run,
  about: {
    readonly label: string;
    readonly candidate: Candidate;
    readonly targets: readonly Target[];
    readonly knowledge?: ProbeKnowledge;
  },
  started: (children: readonly string[]) => void,
): Promise<readonly Verdict[]> {
  const { id, options } = run;
  const { label, candidate, targets, knowledge } = about;
  const head = candidate.head.slice(0, 12);
  const running = [];
  const children: string[] = [];
  // One after the other: each start carries the bundle, and what one workflow task schedules has a limit.
  for (let first = 0; first < targets.length; first += TARGETS_PER_VERIFICATION) {
    const number = first / TARGETS_PER_VERIFICATION + 1;
    const child = await startChild(verifyCandidate, {
      workflowId: `${id}-${label}-${head}-${number}`,
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `${label} ${head} for ${id}`,
      args: [
        {
          run: id,
          repository: options.repository,
          candidate,
          targets: targets.slice(first, first + TARGETS_PER_VERIFICATION),
          nix: options.nix,
          takeoverSeconds: options.takeoverSeconds,
          builderWaitSeconds: options.builderWaitSeconds,
          ...(knowledge === undefined ? {} : { probe: knowledge }),
        },
      ],
    });
    children.push(child.workflowId);
    running.push(child.result());
    started([...children]);
  }
  const results = await Promise.all(running);
  for (const { machines } of results) for (const machine of machines) run.machines.add(machine);
  return results.flatMap((result) => result.verdicts);
}
