import { patched } from '@temporalio/workflow';
import { VERIFY_LABEL } from '../../model/run/ids.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { nothingVerified } from '../../model/report/nothing-verified.js';
import type { FailureStep } from '../../model/run/options.js';
import { targetLabel, type Target } from '../../model/targets/index.js';
import { waysOfLanding } from '../../model/landing/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import type { Verification } from '../children/in-children.js';
import { autofix } from './autofix.js';
import { commitUpdate, type Committed, type Update } from './commit-update.js';
import { keepCulpritsBack } from './culprits.js';
import type { Ended } from './facts.js';
import { rejected } from './fixes.js';
import { keepNamedBack } from './keep-back.js';
import type { Repair } from './repair.js';
import { planBuilds } from './plan-builds.js';
import { verifyShown, type Run } from './run.js';

const REPAIRS: Readonly<Record<Exclude<FailureStep, 'leave-behind' | 'report'>, Repair>> = {
  autofix,
  'hold-back': keepCulpritsBack,
};

export interface Verified {
  readonly candidate: Candidate;
  readonly update: Update;
}

/**
 * Commits and verifies an update, and does about broken required targets what the policy says. A repaired update is
 * another candidate, all of whose targets are verified; the step that helped is tried again if that broke others, for each
 * repair leaves less to repair. A step that cannot help gives way to the next one. Inputs that are held back by hand
 * meanwhile make another candidate as well.
 * @returns how the run ended when nothing may land
 */
export async function verifyAndRepair(run: Run, first: Update): Promise<Verified | Ended> {
  const { options, state, holdBackRequests } = run;
  let steps = options.onFailure;
  state.learn({ brokenOnBase: [], notHeldBack: [], nothingVerified: null });
  for (let proposed: Update | null = first; proposed !== null;) {
    const committed: Committed = await commitUpdate(run, proposed);
    const { candidate, update } = committed;
    const planned = await planBuilds(run, candidate, update.targets);
    if (planned !== null && 'outcome' in planned) return planned;
    const judged =
      planned === null
        ? null
        : await holdBackRequests.unlessAsked(async () => {
            const verdicts = await verify(run, { candidate, targets: update.targets, ...planned });
            return await judge(run, { ...committed, verdicts, steps });
          });
    if (judged === 'lands') return { candidate, update };
    if (judged === 'broken') return { outcome: 'broken' };
    if (judged === 'nothing-moves') break;
    steps = judged?.steps ?? steps;
    proposed = judged?.repaired ?? (await keepNamedBack(run, update, holdBackRequests.take()));
  }
  return { outcome: 'unchanged' };
}

interface Repaired {
  readonly repaired: Update;
  /** Steps that are left, the one that helped included. */
  readonly steps: readonly FailureStep[];
}

/** What becomes of a verified update: one step after the other is tried until one gives another update, or decides. */
async function judge(
  run: Run,
  about: Committed & { readonly verdicts: readonly Verdict[]; readonly steps: readonly FailureStep[] },
): Promise<'lands' | 'broken' | 'nothing-moves' | Repaired> {
  const { candidate, locked, update, verdicts, takesFixesOver } = about;
  // Nobody is asked, so nobody can approve them.
  if (inTheWay(run, verdicts).some(needsApproval))
    return { repaired: withoutUnapproved(run, update), steps: about.steps.filter((step) => step !== 'autofix') };
  // Fixes that were made for something else are dropped together: what breaks with them may need none of them.
  if (takesFixesOver && inTheWay(run, verdicts).length > 0)
    return { repaired: withoutFixes(run, update), steps: about.steps };
  for (let { steps } = about; ; steps = steps.slice(1)) {
    const broken = inTheWay(run, verdicts);
    const [step = 'report', ...later] = steps;
    if (broken.length === 0 || step === 'leave-behind')
      return mayLand(run, verdicts, steps.includes('leave-behind')) ? 'lands' : 'broken';
    if (step === 'report') return 'broken';
    const partlyWanted = later.some((other) => other !== 'report');
    const repaired = await REPAIRS[step](run, { candidate, locked, update, broken, partlyWanted });
    if (repaired === 'nothing-moves') return repaired;
    if (repaired !== null) return { repaired, steps };
  }
}

function mayLand({ options, state }: Run, verdicts: readonly Verdict[], leavesBehind: boolean): boolean {
  const { required, brokenOnBase } = state.facts();
  const why = nothingVerified({ verdicts, required, brokenOnBase, leavesBehind, impure: options.nix.impure });
  // Runs of earlier versions landed then. replay-tested: 2026-11-28, test/replay/0.1.0
  if (why === null || !patched('nothing-verified-lands-nowhere')) return true;
  state.learn({ nothingVerified: why });
  return false;
}

const withoutFixes = (run: Run, update: Update): Update =>
  dropFixes(run, update, 'does not hold with the inputs and the main that it has to go on now');

const withoutUnapproved = (run: Run, update: Update): Update =>
  dropFixes(run, update, 'could not be verified before an approval, and nobody is asked for one');

function dropFixes(run: Run, update: Update, reason: string): Update {
  run.state.learn({ attempts: rejected(run, update.fixes, reason) });
  return { ...update, fixes: [] };
}

const needsApproval = (verdict: Verdict): boolean => verdict.needsApproval === true;

/** Targets that no machine may verify before a person has approved what an agent changed. */
export const unapproved = ({ state }: Run): readonly Target[] =>
  state
    .facts()
    .verdicts.filter(needsApproval)
    .map(({ target }) => target);

/** Verifies what a person has approved, with the rights of every other candidate; tells whether it may land. */
export async function verifyApproved(run: Run, candidate: Candidate, targets: readonly Target[]): Promise<boolean> {
  const { state } = run;
  const approved = await verifyShown(run, { label: 'approved', candidate, targets, approved: true });
  const verified = new Map(approved.map((verdict) => [targetLabel(verdict.target), verdict]));
  const verdicts = state.facts().verdicts.map((verdict) => verified.get(targetLabel(verdict.target)) ?? verdict);
  state.learn({ verdicts });
  return inTheWay(run, verdicts).length === 0;
}

async function verify(run: Run, about: Omit<Verification, 'label'>): Promise<readonly Verdict[]> {
  const { state } = run;
  state.learn({ verdicts: [] });
  state.targets(about.targets);
  const verdicts = await verifyShown(run, { label: VERIFY_LABEL, ...about });
  state.learn({ verdicts });
  return verdicts;
}

/**
 * Required targets that the update broke: what was broken before it is nobody's fault, and what waits for an approval that is
 * going to be asked for stops nothing yet.
 */
export function inTheWay(run: Run, verdicts: readonly Verdict[]): readonly Verdict[] {
  const { state, options } = run;
  const { required, brokenOnBase } = state.facts();
  const asks = options.approval !== null && waysOfLanding[options.landing.mode].lands;
  return verdicts.filter((each) => {
    const name = targetLabel(each.target);
    if (asks && needsApproval(each)) return false;
    return each.verdict !== 'built' && required.includes(name) && !brokenOnBase.includes(name);
  });
}
