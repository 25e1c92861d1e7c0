import type { Paint } from '../../model/report/paint.js';
import type { ProgressView, TargetView } from './view.js';
import { targetRow } from './row.js';
import { clip, clipMiddle, width, wrap } from './width.js';
import { clock, heldBackWords, isAtWork, isBroken, movedWords, PHASE_WORDS, tally } from './words.js';

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

export interface FrameStyle {
  readonly paint: Paint;
  /** Counts up; turns the spinners. */
  readonly tick: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * One picture of a run: at most `rows` lines, each at most `columns` wide. When the targets do not all fit, those that
 * need a person come first, then those at work; the others are counted in one line.
 */
export function frame(view: ProgressView, size: FrameSize, style: FrameStyle): string[] {
  const { columns } = size;
  const rows = Math.max(1, size.rows);
  const head = headLines(view, columns, style).slice(0, rows);
  const room = rows - head.length - 1;
  if (room < 1 || view.targets.length === 0) return head;
  const { shown, folded } = fold(view.targets, room);
  const nameWidth = Math.min(
    Math.max(...view.targets.map((target) => width(target.name))),
    Math.max(8, Math.floor(columns / 3)),
  );
  const lines = shown.map((target) => targetRow(target, { columns, nameWidth }, style));
  return [...head, '', ...lines, ...(folded === null ? [] : [style.paint.dim(clip(`  ${folded}`, columns))])].slice(
    0,
    rows,
  );
}

function headLines(view: ProgressView, columns: number, { paint, now }: FrameStyle): string[] {
  const { done, broken } = tally(view.targets);
  const facts = [
    view.phase === null ? 'open' : PHASE_WORDS[view.phase],
    ...(view.targets.length === 0 ? [] : [`${done}/${view.targets.length} done`]),
    ...(broken === 0 ? [] : [`${broken} broken`]),
    clock(now - view.startedAt),
  ];
  const told = facts.join(' · ');
  // On a narrow terminal the state matters more than the id.
  const room = columns - width(told) - 3;
  const title = room < LEAST_TITLE ? '' : clipMiddle(view.run, room);
  const lines = [title === '' ? paint.cyan(clip(told, columns)) : paint.bold(title) + paint.cyan(` · ${told}`)];
  if (view.moved.length > 0) lines.push(paint.dim(clip(`  ${view.moved.map(movedWords).join(', ')}`, columns)));
  for (const { name, reason } of view.unfetched.slice(0, 2)) {
    lines.push(paint.yellow(clip(`  ${name} stays where it is: ${reason}`, columns)));
  }
  for (const held of view.heldBack.slice(0, 3)) lines.push(paint.yellow(clip(`  ${heldBackWords(held)}`, columns)));
  if (view.heldBack.length > 3) lines.push(paint.yellow(clip(`  and ${view.heldBack.length - 3} more`, columns)));
  if (view.mended.length > 0) lines.push(paint.yellow(clip(`  fixed by an agent: ${view.mended.join(', ')}`, columns)));
  if (view.waitsFor !== null) lines.push(...wrap(`  ${view.waitsFor}`, columns, 4).map(paint.yellow));
  if (view.doing !== null) lines.push(...wrap(`  ${view.doing}`, columns, 3).map(paint.cyan));
  if (view.problem !== null) lines.push(...wrap(`  ! ${view.problem}`, columns, 4).map(paint.red));
  return lines;
}

/** Less of an id tells nothing. */
const LEAST_TITLE = 12;

/** Broken first, then at work, then done, then waiting: what is cut off is what says the least. */
function urgency(target: TargetView): number {
  if (isBroken(target)) return 1;
  return { building: 0, uploading: 0, evaluating: 0, queued: 2, waiting: 3, done: 4 }[target.state];
}

function fold(
  targets: readonly TargetView[],
  room: number,
): { readonly shown: readonly TargetView[]; readonly folded: string | null } {
  if (targets.length <= room) return { shown: targets, folded: null };
  const ranked = targets
    .map((target, index) => ({ target, index }))
    .sort((a, b) => urgency(a.target) - urgency(b.target) || a.index - b.index);
  const kept = ranked.slice(0, room - 1).sort((a, b) => a.index - b.index);
  const hidden = ranked.slice(room - 1).map(({ target }) => target);
  const count = (words: string, test: (target: TargetView) => boolean): string[] => {
    const found = hidden.filter(test).length;
    return found === 0 ? [] : [`${found} ${words}`];
  };
  const parts = [
    ...count('broken', isBroken),
    ...count('at work', isAtWork),
    ...count('waiting', ({ state }) => state === 'waiting' || state === 'queued'),
    ...count('done', (target) => target.state === 'done' && !isBroken(target)),
  ];
  return { shown: kept.map(({ target }) => target), folded: `and ${parts.join(', ')}` };
}
