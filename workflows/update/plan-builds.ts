import { PLAN_LABEL } from '../../model/run/ids.js';
import { waysOfLanding } from '../../model/landing/index.js';
import { countPacked } from '../../model/nix/build-plan.js';
import type { PlannedBuilds } from '../../model/report/data.js';
import { plural, tooManyWords } from '../../model/report/words.js';
import { untouched } from '../../model/progress/progress.js';
import { isFlakeTarget, targetLabel, type Target } from '../../model/targets/index.js';
import type { Candidate } from '../../model/verify/candidate.js';
import type { PlanResult } from '../../model/verify/verification.js';
import { verdictOf, type Verdict } from '../../model/verify/verdict.js';
import { planInChildren, type Verification } from '../children/in-children.js';
import { approvalOr, ask } from './ask.js';
import type { Ended } from './facts.js';
import { verifySetting, type Run } from './run.js';

/**
 * Finds out how much a candidate would build, where the owner has set a limit, and asks a person about more. What was approved
 * once holds for the later candidates of the run that need no more.
 * @returns what its verification need not do again; how the run ended when nothing may be built; `null` when an input was held
 *   back meanwhile
 */
export async function planBuilds(
  run: Run,
  candidate: Candidate,
  targets: readonly Target[],
): Promise<Pick<Verification, 'evaluations'> | Ended | null> {
  const { options, state, holdBackRequests } = run;
  const { maxBuilds: limit } = options;
  if (limit === undefined) return {};
  const plan = await holdBackRequests.unlessAsked(() => findPlan(run, { label: PLAN_LABEL, candidate, targets }));
  if (plan === null) return null;
  const { evaluations } = plan;
  const builds = countPacked(plan.derivations);
  const approved = state.facts().approvedBuilds;
  const isApproved = approved !== null && builds <= approved.builds;
  const planned: PlannedBuilds = { builds, limit, ...(isApproved && { approvedBy: approved.by }) };
  state.learn({ machines: plan.machines, plannedBuilds: planned });
  if (builds <= limit || isApproved) return { evaluations };

  const verdicts = targets.map((target, index) => notBuilt(target, evaluations[index] ?? null));
  if (options.approval === null || !waysOfLanding[options.landing.mode].lands) {
    return { outcome: 'broken', verdicts, nothingVerified: wayOut(planned) };
  }
  const question = { commit: candidate.head, again: false, unverified: [], builds: planned };
  const decision = await ask(run, question, options.approval);
  if (decision === null) {
    run.approval.withdraw();
    return null;
  }
  const answer = approvalOr(decision);
  if ('outcome' in answer) return { verdicts, ...answer };
  const { by } = answer;
  state.learn({ plannedBuilds: { ...planned, approvedBy: by }, approvedBuilds: { builds, by } });
  return { evaluations };
}

async function findPlan(run: Run, about: Verification): Promise<PlanResult> {
  const { state } = run;
  state.learn({ verdicts: [] });
  state.targets(about.targets);
  state.phase('verifying');
  state.show({ doing: 'finds out how much would be built' });
  const plan = await planInChildren(verifySetting(run), {
    ...about,
    started: (children) => {
      state.show({ children });
    },
  });
  state.changed(
    about.targets.flatMap((target, index) => {
      const evaluation = plan.evaluations[index];
      if (evaluation?.kind !== 'evaluated') return [];
      const { system, plan: own } = evaluation;
      return [{ ...untouched(targetLabel(target)), state: 'queued', system, ...(own && { plan: own }) } as const];
    }),
  );
  state.show({ children: [], doing: null });
  return plan;
}

/** A target whose build was not allowed; what did not evaluate is known all the same. */
function notBuilt(target: Target, evaluation: PlanResult['evaluations'][number]): Verdict {
  if (evaluation?.kind === 'failed') return evaluation.verdict;
  const error = isFlakeTarget(target) ? 'not built: all hosts together would build too much' : 'not run';
  if (evaluation === null) return verdictOf(target, 'skipped', { error });
  const { system, drvPath, outPath, seconds, plan } = evaluation;
  return verdictOf(target, 'skipped', {
    system,
    drvPath,
    outPath,
    seconds,
    error,
    ...(plan !== undefined && { plan }),
  });
}

const wayOut = (planned: PlannedBuilds): string =>
  `Nothing was built: the update would build ${tooManyWords(planned)}. ` +
  `Wait until a cache has ${planned.builds === 1 ? 'it' : 'more of them'}, raise the limit (--max-builds ${planned.builds}, or maxBuilds in a configuration), ` +
  `or let the run ask (--approve, or enable = true in [instances.NAME.approval]) before it builds ${plural(planned.builds, 'derivation')}.`;
