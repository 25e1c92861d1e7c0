import type { Fix } from '../../model/autofix/fix-target.js';
import { oneLine } from '../../model/text/one-line.js';
import { targetLabel, type Target } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { lockCommit } from './commit-update.js';
import { putFixesOn, rejected, verifyFix, type FixedCandidate } from './fixes.js';
import type { BrokenUpdate } from './repair.js';
import type { Run } from './run.js';

/** Whether a fix broke a target: one that another fix had repaired, or that no agent was asked about. */
export const isRegression = ({ state }: Run, fixes: readonly Fix[], target: Target): boolean =>
  fixes.length > 0 && (mendedBy(fixes, target) !== -1 || !state.facts().attempts.has(targetLabel(target)));

const mendedBy = (fixes: readonly Fix[], target: Target): number =>
  fixes.findIndex(({ targets }) => targets.some((each) => targetLabel(each) === targetLabel(target)));

/**
 * Takes the fixes out that broke other targets. Those that came after them stay as far as they fit without them.
 * @returns what is left, and the targets that need another fix
 */
export async function takeOutCulprits(
  run: Run,
  { locked, update }: BrokenUpdate,
  regressions: readonly Verdict[],
): Promise<{ readonly fixed: FixedCandidate; readonly targets: readonly Target[] }> {
  const culprits = new Set<Fix>();
  for (const verdict of regressions) {
    const culprit = await culpritOf(run, update.fixes, verdict.target);
    if (culprit === undefined || culprits.has(culprit)) continue;
    culprits.add(culprit);
    const reason = `breaks ${targetLabel(verdict.target)}: ${oneLine(verdict.error ?? verdict.verdict, 500)}`;
    run.state.learn({ attempts: rejected(run, [culprit], reason) });
  }
  const rest = update.fixes.filter((fix) => !culprits.has(fix));
  const fixed = await putFixesOn(run, await lockCommit(run, { locked, update }), rest);
  const kept = new Set(fixed.fixes.flatMap(({ targets }) => targets.map(targetLabel)));
  const targets = update.fixes.flatMap((fix) => fix.targets).filter((target) => !kept.has(targetLabel(target)));
  return { fixed, targets };
}

/** The first fix with which a target is broken that was not before. With the newest it is: that is how it was found. */
async function culpritOf(run: Run, fixes: readonly Fix[], target: Target): Promise<Fix | undefined> {
  for (const fix of fixes.slice(mendedBy(fixes, target) + 1, -1)) {
    if ((await verifyFix(run, fix.candidate, target))?.verdict !== 'built') return fix;
  }
  return fixes.at(-1);
}
