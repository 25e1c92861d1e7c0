import { nameList } from '../report/words.js';
import type { Probe } from './blame.js';

/** `probe 3 of at most 24: moves alpha, beta; verifies kyushu`; probes of one round are told together. */
export function probeWords(round: readonly Probe[], budget: number): string {
  const [one, other] = round.filter(({ number }) => number > 0);
  if (one === undefined) return `base: verifies ${nameList(round[0]?.targets ?? [])}`;
  if (other === undefined)
    return `probe ${one.number} of at most ${budget}: moves ${nameList(one.move)}; verifies ${nameList(one.targets)}`;
  const probes = round.filter(({ number }) => number > 0);
  const last = probes.at(-1)?.number ?? one.number;
  const each = probes.map(({ move, targets }) => `${nameList(move, 3)} for ${nameList(targets, 3)}`);
  return `probes ${one.number} to ${last} of at most ${budget}: move ${nameList(each, 3)}`;
}
