import type { ProbeKnowledge, VerifyInput } from '../../model/verify/verification.js';
import { targetLabel, type FlakeTarget } from '../../model/targets/index.js';
import type { VerdictKind } from '../../model/targets/types.js';
import { verdictOf, type Evaluation, type Verdict } from '../../model/verify/verdict.js';
import { compare, findInPlan } from './evaluation.js';

/**
 * The verdict of a probe that needs no build, because the target's derivation has one in this run, because its closure is
 * the same as on base, the commit's own revision left out, or because the build would need a derivation that failed in this
 * run. `null` when it has to be built.
 */
export async function knownVerdict(
  input: VerifyInput,
  knowledge: ProbeKnowledge,
  target: FlakeTarget,
  evaluation: Extract<Evaluation, { readonly kind: 'evaluated' }>,
): Promise<Verdict | null> {
  const { drvPath } = evaluation;
  const known = knowledge.derivations.find((one) => one.drvPath === drvPath);
  if (known !== undefined) return decided(target, evaluation, known.verdict);
  const onBase = knowledge.base.find(({ name }) => name === targetLabel(target));
  if (onBase !== undefined && (await compare(input, target, drvPath)).same === true)
    return decided(target, evaluation, onBase.verdict);
  if (knowledge.failed.length === 0) return null;
  const failed = await findInPlan(input, target, { drvPath, derivations: knowledge.failed });
  return failed === null ? null : { ...decided(target, evaluation, 'build-failed'), failedDrv: failed };
}

const decided = (
  target: FlakeTarget,
  { drvPath, outPath, system, seconds }: Extract<Evaluation, { readonly kind: 'evaluated' }>,
  verdict: VerdictKind,
): Verdict =>
  verdictOf(target, verdict, {
    ...{ system, drvPath, outPath, seconds },
    error: verdict === 'built' ? null : 'another candidate of this run has shown it',
  });
