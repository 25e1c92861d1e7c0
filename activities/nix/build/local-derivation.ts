import { activityInfo } from '@temporalio/activity';
import type { BuildTargetInput } from '../../../model/contract/verification.js';
import type { Verdict } from '../../../model/verify/verdict.js';
import type { ActivityEnvironment } from '../../environment.js';
import { installBundle } from '../../git/install-commit.js';
import type { TreatedSettings } from '../commands.js';
import { updateAlone } from '../../git/agent-change.js';
import { ownFetch, treatmentOf } from '../distrust.js';
import { acceptedSettings, evaluateCommit, placeOf } from '../evaluate/evaluate-commit.js';
import {
  assertLockIsReadable,
  failedVerdict,
  refusedVerdict,
  writeEvaluationLog,
} from '../evaluate/evaluation-verdict.js';
import { ensureRoot, isRooted } from '../evaluate/evaluations.js';
import { firstOwnFetch } from '../own-fetches.js';
import type { FlakeAtCommit } from '../flake-file.js';

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
  const { attempt } = activityInfo();
  const there = async (local: BuildTargetInput['evaluation']): Promise<LocalDerivation> => {
    const fetches =
      treatment.kind === 'usual' || treatment.mayFetch
        ? null
        : await firstOwnFetch(local.drvPath, () => drvBefore(env, { ...input, mirror, attempt }, signal), nix, signal);
    return fetches === null
      ? { kind: 'there', evaluation: local, nix }
      : { kind: 'failed', verdict: refusedVerdict(env, target, 'built', ownFetch(fetches)) };
  };
  const asked = { flake, target, nix: treatment.nix, run, attempt };
  const { drvPath: wanted } = evaluation;
  if ((await isRooted(await placeOf(env, asked), wanted)) || (await ensureRoot(root, wanted)))
    return await there(evaluation);

  const found = await evaluateCommit(env, asked, signal);
  if (found.kind === 'failed') {
    await assertLockIsReadable(env, input, found.error);
    const logPath = await writeEvaluationLog(env, input, found.log);
    return { kind: 'failed', verdict: failedVerdict(env, input, found, logPath, evaluation.seconds) };
  }
  await ensureRoot(root, found.drvPath);
  const { drvPath, outPath, system } = found;
  return await there({ ...evaluation, drvPath, outPath, system });
}

/** The target's derivation without what an agent changed: that of the update alone, or else that of base; `null` without either. */
async function drvBefore(
  env: ActivityEnvironment,
  {
    mirror,
    candidate,
    repository,
    target,
    nix,
    run,
    attempt,
  }: Omit<BuildTargetInput, 'takeoverSeconds'> & { readonly mirror: string; readonly attempt: number },
  signal: AbortSignal,
): Promise<string | null> {
  for (const commit of [await updateAlone(mirror, repository, candidate), candidate.base]) {
    if (commit === null) continue;
    const flake: FlakeAtCommit = { mirror, commit, repository };
    const found = await evaluateCommit(env, { flake, target, nix, run, attempt, failsForGood: true }, signal);
    if (found.kind === 'evaluated') return found.drvPath;
  }
  return null;
}
