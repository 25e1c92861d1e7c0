import { blame, type Probe } from '../model/hold-back/blame.js';
import { evidenceOf } from '../model/hold-back/evidence.js';
import type { HoldBackRequest, HoldBackResult } from '../model/hold-back/request.js';
import { nameList } from '../model/report/words.js';
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

/** `probe 3 of at most 24: moves alpha, beta; verifies kyushu`; probes of one round are told together. */
function probeWords(round: readonly Probe[], budget: number): string {
  const [one, other] = round.filter(({ number }) => number > 0);
  if (one === undefined) return `base: verifies ${nameList(round[0]?.targets ?? [])}`;
  if (other === undefined)
    return `probe ${one.number} of at most ${budget}: moves ${nameList(one.move)}; verifies ${nameList(one.targets)}`;
  const probes = round.filter(({ number }) => number > 0);
  const last = probes.at(-1)?.number ?? one.number;
  const each = probes.map(({ move, targets }) => `${nameList(move, 3)} for ${nameList(targets, 3)}`);
  return `probes ${one.number} to ${last} of at most ${budget}: move ${nameList(each, 3)}`;
}
