import { blame } from '../model/hold-back/blame.js';
import { evidenceOf } from '../model/hold-back/evidence.js';
import type { HoldBackRequest, HoldBackResult } from '../model/hold-back/request.js';
import { probeWords } from '../model/hold-back/words.js';
import { targetLabel } from '../model/targets/index.js';
import { coordinator } from './calls/coordinator.js';
import { openProbes } from './hold-back/probes.js';
import { tellDoing } from './calls/tell-parent.js';

/**
 * Finds the inputs to blame for each broken target, by verifying candidates that are composed of base's lock and the
 * broken candidate's. Nothing is fetched: what the probes show holds for what lands.
 */
export async function holdBack(request: HoldBackRequest): Promise<HoldBackResult> {
  const { repository, candidate, moved, broken, never, budget } = request;
  const groups = await coordinator('find inputs that must move together').groupInputs({ repository, candidate, moved });
  const probes = openProbes(request);
  const search = blame({ targets: broken.map(({ target }) => targetLabel(target)), groups, never, budget });
  let step = search.next(probes.answer);
  while (step.done !== true) {
    await tellDoing(probeWords(step.value, budget));
    await probes.make(step.value);
    step = search.next(probes.answer);
  }
  const evidence = evidenceOf(step.value, probes.failures());
  return { groups, results: [...step.value], evidence, machines: [...probes.machines].sort() };
}
