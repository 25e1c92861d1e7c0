import { cancellationSignal } from '@temporalio/activity';
import path from 'node:path';
import { exists } from '../../../host/files.js';
import type { PresenceActivities } from '../../../model/contract/activities.js';
import type { PlanBuildsInput } from '../../../model/contract/verification.js';
import { recordDirectory } from '../../../model/machine/record-directory.js';
import { NOTHING_TO_DO, packed, type BuildPlan } from '../../../model/nix/build-plan.js';
import type { ActivityEnvironment } from '../../environment.js';
import { localDerivation } from './local-derivation.js';
import { buildPlan } from '../evaluate/build-plan.js';

/** Looks at once: each mostly waits for what caches say. */
const LANES = 8;

/**
 * Makes the activity that tells what building some targets has to do on this machine. Nothing is built; a derivation that the
 * store lacks is evaluated, which its build would do first as well. Repeating it costs what asking costs.
 * @throws retryable failures of the machine, and what evaluation throws
 */
export const createPlanBuilds =
  (env: ActivityEnvironment): PresenceActivities['planBuilds'] =>
  async ({ planned, ...input }) => {
    const signal = cancellationSignal();
    const derivations = new Set<string>();
    const plans: (BuildPlan | null)[] = [];
    for (let start = 0; start < planned.length; start += LANES) {
      const looks = planned.slice(start, start + LANES).map((each) => planOf(env, input, each, derivations, signal));
      plans.push(...(await Promise.all(looks)));
    }
    return { machine: env.machine, plans, derivations: packed(derivations) };
  };

async function planOf(
  env: ActivityEnvironment,
  input: Omit<PlanBuildsInput, 'planned'>,
  { target, evaluation }: PlanBuildsInput['planned'][number],
  derivations: Set<string>,
  signal: AbortSignal,
): Promise<BuildPlan | null> {
  // What is there costs a look; the build asks Nix whether it is whole.
  if (await exists(evaluation.outPath)) return NOTHING_TO_DO;
  const root = path.join(recordDirectory(env.state, input.run, input.candidate.head, target), 'drv');
  const local = await localDerivation(env, { ...input, target, evaluation }, root, signal);
  if (local.kind === 'failed') return null;
  const reader = await buildPlan(local.evaluation.drvPath, local.nix, signal);
  if (reader === null) return null;
  for (const drv of reader.derivations()) derivations.add(drv);
  return reader.plan() ?? NOTHING_TO_DO;
}
