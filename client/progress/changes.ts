import { clock, heldBackWords, isAtWork, isBroken, movedWords, PHASE_WORDS, stateWords, tally, took } from './words.js';
import type { ProgressView, TargetView } from './view.js';

/** One thing that became different between two views of a run. */
export interface Change {
  readonly kind: 'phase' | 'fact' | 'target' | 'problem';
  readonly text: string;
  /** Of a target: that it is broken. */
  readonly broken: boolean;
}

/** What became different, in the order in which to tell it: what is over belongs to the phase before. */
export function changes(before: ProgressView | null, after: ProgressView): Change[] {
  const found: Change[] = [];
  const say = (kind: Change['kind'], text: string, broken = false): void => {
    found.push({ kind, text, broken });
  };
  const known = new Map(before?.targets.map((target) => [target.name, target]));
  const sayTargets = (wanted: (target: TargetView) => boolean): void => {
    for (const target of after.targets.filter(wanted)) {
      const text = targetChange(known.get(target.name), target);
      if (text !== null) say('target', `${target.name}: ${text}`, isBroken(target));
    }
  };
  // Of a run that was not seen before, nothing is known of an earlier phase.
  if (before !== null) sayTargets(({ state }) => state === 'done');
  if (after.phase !== null && after.phase !== before?.phase && after.phase !== 'closed') {
    say('phase', PHASE_WORDS[after.phase]);
  }
  const baseBefore = before?.base ?? null;
  if (after.base !== null && baseBefore !== null && after.base !== baseBefore) {
    say('fact', `the main branch has moved to ${after.base.slice(0, 12)}: the update was carried over`);
  }
  if (after.head !== null && after.head !== before?.head) {
    for (const input of after.moved) say('fact', `moved: ${movedWords(input)}`);
  }
  for (const { name, reason } of after.unfetched) {
    if (before?.unfetched.some((input) => input.name === name) !== true) say('fact', `${name} stays: ${reason}`);
  }
  for (const held of after.heldBack) {
    if (before?.heldBack.some(({ input }) => input === held.input) !== true) say('fact', heldBackWords(held));
  }
  for (const name of after.mended) {
    if (before?.mended.includes(name) !== true) say('fact', `${name} fixed by an agent`);
  }
  sayTargets(({ state }) => before === null || state !== 'done');
  if (after.waitsFor !== null && after.waitsFor !== before?.waitsFor) say('fact', `waits for ${after.waitsFor}`);
  if (after.doing !== null && after.doing !== before?.doing) say('fact', after.doing);
  const problemBefore = before?.problem ?? null;
  if (after.problem !== null && after.problem !== problemBefore) say('problem', after.problem);
  if (after.problem === null && problemBefore !== null) say('fact', 'goes on');
  return found;
}

function targetChange(before: TargetView | undefined, after: TargetView): string | null {
  if (before?.state === after.state && before.verdict === after.verdict && before.error === after.error) {
    return after.trouble === null || after.trouble === before.trouble ? null : after.trouble;
  }
  // A target waits for a moment between two steps. That is not reported.
  if (after.state === 'waiting') return null;
  const words = stateWords(after);
  if (after.state === 'done') {
    const span = after.seconds === null ? '' : ` after ${took(after.seconds)}`;
    const uploads = after.caches === null ? '' : `; ${after.caches}`;
    return `${words}${span}${after.error === null ? '' : `: ${after.error}`}${uploads}`;
  }
  if (after.state !== 'building') return words;
  const estimate = after.estimateSeconds === null ? '' : `, about ${clock(after.estimateSeconds * 1000)}`;
  const trouble = after.trouble === null ? '' : ` (${after.trouble})`;
  return `${words}${after.machine === null ? '' : ` on ${after.machine}`}${estimate}${trouble}`;
}

/** One line for long silences: who still works. */
export function stillAt(view: ProgressView): string {
  const { done } = tally(view.targets);
  const at = view.targets.filter(isAtWork).map(({ name }) => name);
  const names = at.slice(0, 5).join(', ') + (at.length > 5 ? ` and ${at.length - 5} more` : '');
  const count = view.targets.length === 0 ? '' : `, ${done} of ${view.targets.length} done`;
  const trouble =
    view.targets.find((target) => target.state === 'building' && target.trouble !== null)?.trouble ?? null;
  const doing = view.doing === null ? '' : `; ${view.doing}`;
  return `still ${view.phase === null ? 'waiting' : PHASE_WORDS[view.phase]}${count}${doing}${names === '' ? '' : `; at work: ${names}`}${trouble === null ? '' : ` (${trouble})`}`;
}
