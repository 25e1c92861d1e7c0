import { ChildWorkflowCancellationType, ParentClosePolicy, executeChild } from '@temporalio/workflow';
import { holdBackId } from '../../model/run/ids.js';
import { findings, unlessNothingMoves, type Findings } from '../../model/hold-back/findings.js';
import { holdBack } from '../hold-back.js';
import { keepBack } from './keep-back.js';
import { answerOf } from '../hold-back/probes.js';
import type { BrokenUpdate, Repair } from './repair.js';
import { commitSignature, verifySetting, type Run } from './run.js';

/**
 * The step `hold-back`: finds the inputs to blame, and gives the update without them. The smallest set is kept at base's
 * revision, and everything else moves. When nothing would move, that is the last resort. `null` when that helps nobody, or not
 * all who need help; the run's state then says why.
 */
export const keepCulpritsBack: Repair = async (run, about) => {
  const { state } = run;
  state.phase('holding-back');
  const found = await findCulprits(run, about);
  const moved = about.update.lock.moved.map(({ name }) => name);
  const { heldBack, brokenOnBase, notHeldBack } = about.partlyWanted ? unlessNothingMoves(found, moved) : found;
  state.show({ doing: null });
  state.learn({ brokenOnBase: [...state.facts().brokenOnBase, ...brokenOnBase], notHeldBack });
  if (heldBack.length === 0 || (notHeldBack.length > 0 && !about.partlyWanted)) return null;
  return (await keepBack(run, about.update, heldBack)) ?? 'nothing-moves';
};

async function findCulprits(run: Run, { candidate, update, broken }: BrokenUpdate): Promise<Findings> {
  const { never, probeBudget } = run.options.holdBack;
  const moved = nixpkgsFirst(update.lock.moved.map(({ name }) => name));
  // What nobody could build tells nothing about inputs, and what is the same on base is broken there.
  const asked = broken.filter((verdict) => answerOf(verdict) !== 'unknown' && verdict.sameAsBase !== true);
  if (asked.length === 0) {
    const groups = moved.map((name) => [name]);
    return findings({ broken, groups, never, results: new Map(), evidence: [] });
  }
  const head = candidate.head.slice(0, 12);
  const {
    groups,
    results,
    machines,
    evidence = [],
  } = await executeChild(holdBack, {
    workflowId: holdBackId(run.id, candidate.head),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: `inputs to blame for ${head} of ${run.id}`,
    args: [
      {
        ...verifySetting(run),
        ...commitSignature(run),
        candidate,
        moved,
        broken: asked.map(({ target, verdict, drvPath, failedDrv }) => ({ target, verdict, drvPath, failedDrv })),
        never,
        budget: probeBudget,
      },
    ],
  });
  run.state.learn({ machines });
  return findings({ broken, groups, never, results: new Map(results), evidence });
}

/** The first inputs are kept back least: most security fixes come with nixpkgs. */
const nixpkgsFirst = (names: readonly string[]): readonly string[] => [
  ...names.filter((name) => name === 'nixpkgs'),
  ...names.filter((name) => name !== 'nixpkgs'),
];
