import type { MovedInput } from '../../model/verify/candidate.js';
import type { Phase } from '../../model/progress/progress.js';
import { nameList } from '../../model/report/words.js';
import { kindOf, targetKinds } from '../../model/targets/index.js';
import type { ProgressView, TargetView } from './view.js';

export const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  'waiting-for-repository': 'waiting for the repository',
  resolving: 'reading the repository',
  'updating-lock': 'updating flake.lock',
  proposing: 'one request for each input',
  verifying: 'verifying',
  mending: 'fixing what broke',
  'holding-back': 'finding the inputs to blame',
  'waiting-for-approval': 'waiting for approval',
  landing: 'landing',
  notifying: 'finishing',
  closed: 'done',
};

export const isBroken = (target: TargetView): boolean => target.verdict !== null && target.verdict !== 'built';

/** Whether something is done about it now. */
export const isAtWork = ({ state }: TargetView): boolean =>
  state === 'building' || state === 'evaluating' || state === 'uploading';

/** What a target is at, in two or three words. */
export function stateWords(target: TargetView): string {
  const kind = targetKinds[kindOf(target.name)];
  if (target.verdict !== null)
    return `${kind.verdicts[target.verdict]}${target.verdict === 'built' && target.sameAsBase === true ? ' (same)' : ''}`;
  if (target.state === 'building') return kind.building;
  if ((target.state === 'queued' || target.state === 'uploading') && target.error !== null) return target.error;
  if (target.state === 'queued') return `queued${target.system === null ? '' : ` for ${target.system}`}`;
  return target.state;
}

/** `nixpkgs 4f2a1c9e → 8b1d22ef (2026-11-18)` */
export function movedWords({ name, from, to, nested }: MovedInput): string {
  if (from === null && to !== null) return `${name} added at ${to.short}`;
  if (from !== null && to === null) return `${name} removed`;
  if (from?.revision === to?.revision && nested.length > 0)
    return `${name}: only nested inputs moved (${nameList(nested, 3)})`;
  if (from === null || to === null) return name;
  return `${name} ${from.short} → ${to.short}${to.date === null ? '' : ` (${to.date})`}`;
}

/** `web-stack held back: breaks rhea: error: …` */
export const heldBackWords = ({ input, targets, reason }: ProgressView['heldBack'][number]): string =>
  `${input} held back: ${targets.length === 0 ? '' : `breaks ${targets.join(', ')}: `}${reason}`;

/** A running clock: `0:07`, `12:34`, `1:02:03`. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** How long something took that is over: `4.2 s`, `12:34`. */
export const took = (seconds: number): string => (seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds * 1000));

export const tally = (targets: readonly TargetView[]): { readonly done: number; readonly broken: number } => ({
  done: targets.filter((target) => target.state === 'done').length,
  broken: targets.filter(isBroken).length,
});
