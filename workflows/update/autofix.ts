import { ChildWorkflowCancellationType, ParentClosePolicy, executeChild, patched } from '@temporalio/workflow';
import { fixId } from '../../model/run/ids.js';
import type { Fix } from '../../model/autofix/fix-target.js';
import { candidateOnRemote, type Candidate } from '../../model/verify/candidate.js';
import type { WholeAgent } from '../../model/run/earlier.js';
import { targetLabel, type Target } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { lockCommit } from './commit-update.js';
import { fixTarget } from '../fix-target.js';
import { isRegression, takeOutCulprits } from './fix-regressions.js';
import { verifyFix, verifyFixes, type FixedCandidate } from './fixes.js';
import { answerOf } from '../hold-back/probes.js';
import type { BrokenUpdate, Repair } from './repair.js';
import { commitSignature, secretFiles, verifySetting, type Run } from './run.js';

/**
 * The step `autofix` asks an agent about one broken target after the other, each time on top of the fixes before. A target that an
 * earlier fix repaired as well needs no fix of its own. The update with its fixes is then verified for all targets. When a fix broke
 * another target, this step runs again, and takes that fix out as a failed attempt.
 */
export const autofix: Repair = async (run, about) => {
  const agent = run.options.autofix;
  if (agent === null) return null;
  const { state } = run;
  state.phase('mending');
  const asked = await leaveOutBrokenBefore(run, about, about.broken.filter(isFixable));
  const regressions = asked.filter(({ target }) => isRegression(run, about.update.fixes, target));
  let fixed: FixedCandidate = { candidate: about.candidate, fixes: about.update.fixes };
  const targets = asked.filter((verdict) => !regressions.includes(verdict)).map(({ target }) => target);
  if (regressions.length > 0) {
    const left = await takeOutCulprits(run, about, regressions);
    targets.push(...left.targets);
    fixed = left.fixed;
  }
  const { attempts } = state.facts();
  state.learn({ attempts: new Map(targets.map(targetLabel).map((name) => [name, attempts.get(name) ?? []])) });
  for (const target of targets.filter((each) => mayBeAsked(run, agent, each)))
    fixed = await fixOne(run, about, agent, fixed, target);
  state.show({ doing: null });
  return fixed.candidate.head === about.candidate.head ? null : { ...about.update, fixes: fixed.fixes };
};

/** What the base breaks as well is nobody's fault: it is noted, and no agent is asked about it. */
async function leaveOutBrokenBefore(
  run: Run,
  { candidate: { base } }: BrokenUpdate,
  broken: readonly Verdict[],
): Promise<readonly Verdict[]> {
  const { state } = run;
  const { attempts, brokenOnBase } = state.facts();
  const fresh = broken.filter(({ target }) => !attempts.has(targetLabel(target))).map(({ target }) => target);
  if (fresh.length === 0) return broken;
  const onBase = await verifyFixes(run, candidateOnRemote(base), fresh);
  const before = onBase
    .filter((verdict) => verdict.verdict !== 'built' && !tellsNothing(verdict))
    .map(({ target }) => targetLabel(target));
  state.learn({ brokenOnBase: [...brokenOnBase, ...before] });
  return broken.filter(({ target }) => !before.includes(targetLabel(target)));
}

/** What nobody could build, or the machine failed until the end, says nothing of the candidate. */
function tellsNothing(verdict: Verdict): boolean {
  if (verdict.verdict === 'skipped') return true;
  if (answerOf(verdict) !== 'unknown') return false;
  // replay-tested: 2026-11-25, test/replay/0.1.0
  if (!patched('failed-machines-tell-nothing')) return false;
  return true;
}

/** An agent cannot fix a target whose verdict is unknown. A target that is the same on base was broken before. */
const isFixable = (verdict: Verdict): boolean => verdict.sameAsBase !== true && !tellsNothing(verdict);

function mayBeAsked({ state }: Run, agent: WholeAgent, target: Target): boolean {
  const attempts = state.facts().attempts.get(targetLabel(target)) ?? [];
  return attempts.length < agent.maxAttempts && attempts.at(-1)?.outcome !== 'unusable';
}

/** Verifies a target anew where fixes came or went since, and asks the agent if it is still broken. */
async function fixOne(
  run: Run,
  about: BrokenUpdate,
  agent: WholeAgent,
  before: FixedCandidate,
  target: Target,
): Promise<FixedCandidate> {
  const known = about.broken.find((verdict) => targetLabel(verdict.target) === targetLabel(target));
  const isKnown = known !== undefined && before.candidate.head === about.candidate.head;
  const verdict = isKnown ? known : await verifyFix(run, before.candidate, target);
  if (verdict === undefined || !isFixable(verdict)) return before;
  if (verdict.verdict === 'built') return { ...before, fixes: alsoFixes(before.fixes, target) };
  const candidate = await ask(run, about, agent, before.candidate, verdict);
  if (candidate === null) return before;
  const { head } = await lockCommit(run, about);
  return { candidate, fixes: [...before.fixes, { targets: [target], candidate, madeFor: head }] };
}

const alsoFixes = (fixes: readonly Fix[], target: Target): readonly Fix[] =>
  fixes.map((fix, index) => (index === fixes.length - 1 ? { ...fix, targets: [...fix.targets, target] } : fix));

async function ask(
  run: Run,
  { update }: BrokenUpdate,
  agent: WholeAgent,
  candidate: Candidate,
  broken: Verdict,
): Promise<Candidate | null> {
  const { state, id, options } = run;
  const name = targetLabel(broken.target);
  const earlier = state.facts().attempts.get(name) ?? [];
  const result = await executeChild(fixTarget, {
    workflowId: fixId(id, name, candidate.head),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: `fix ${name} for ${id}`,
    args: [
      {
        ...verifySetting(run),
        ...commitSignature(run),
        instance: options.instance,
        candidate,
        broken,
        moved: update.lock.moved,
        earlier,
        agent,
        secretFiles: secretFiles(options),
      },
    ],
  });
  state.learn({ machines: result.machines, attempts: new Map([[name, [...earlier, ...result.attempts]]]) });
  return result.candidate;
}
