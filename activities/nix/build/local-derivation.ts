import { activityInfo } from '@temporalio/activity';
import type { BuildTargetInput } from '../../../model/contract/activities.js';
import type { Verdict } from '../../../model/verify/verdict.js';
import type { ActivityEnvironment } from '../../environment.js';
import { installBundle } from '../../git/install-commit.js';
import type { TreatedSettings } from '../commands.js';
import { treatmentOf } from '../distrust.js';
import { acceptedSettings, evaluateCommit } from '../evaluate/evaluate-commit.js';
import {
  assertLockIsReadable,
  failedVerdict,
  refusedVerdict,
  writeEvaluationLog,
} from '../evaluate/evaluation-verdict.js';
import { ensureRoot, isRooted } from '../evaluate/evaluations.js';
import type { FlakeAtCommit } from '../lock/flake-file.js';

export type LocalDerivation =
  | {
      readonly kind: 'there';
      readonly evaluation: BuildTargetInput['evaluation'];
      /** The run's settings, and the flake's own where they are accepted: builds need its caches and keys. */
      readonly nix: TreatedSettings;
    }
  | { readonly kind: 'failed'; readonly verdict: Verdict };

/**
 * Makes sure that a target's derivation is in this machine's store, kept there by `root`. Another machine may have
 * evaluated it, or it was collected: then it is evaluated here, under this machine's limit.
 */
export async function localDerivation(
  env: ActivityEnvironment,
  input: Omit<BuildTargetInput, 'takeoverSeconds'>,
  root: string,
  signal: AbortSignal,
): Promise<LocalDerivation> {
  const { evaluation, candidate, repository, target, run } = input;
  const mirror = await installBundle(env, input);
  const flake: FlakeAtCommit = { mirror, commit: candidate.head, repository };
  const treatment = await treatmentOf(mirror, input);
  if (treatment.kind === 'refused')
    return { kind: 'failed', verdict: refusedVerdict(env, target, 'built', treatment.why) };
  const options = await acceptedSettings(flake, treatment.nix);
  const nix = { ...treatment.nix, options: [...options, ...treatment.nix.options] };
  if ((await isRooted(env.state, run, evaluation.drvPath)) || (await ensureRoot(root, evaluation.drvPath)))
    return { kind: 'there', evaluation, nix };

  const { attempt } = activityInfo();
  const found = await evaluateCommit(env, { flake, target, nix: treatment.nix, run, attempt }, signal);
  if (found.kind === 'failed') {
    await assertLockIsReadable(env, input, found.error);
    const logPath = await writeEvaluationLog(env, input, found.log);
    return { kind: 'failed', verdict: failedVerdict(env, input, found, logPath, evaluation.seconds) };
  }
  await ensureRoot(root, found.drvPath);
  const { drvPath, outPath, system } = found;
  return { kind: 'there', evaluation: { ...evaluation, drvPath, outPath, system }, nix };
}
