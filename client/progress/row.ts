import { fetchWords, planWords } from '../../model/nix/plan-words.js';
import { VERDICTS } from '../../model/report/words.js';
import type { FrameStyle } from './frame.js';
import type { TargetView } from './view.js';
import { clip, clipMiddle, pad, width as widthOf } from './width.js';
import { clock, isBroken, stateWords, took } from './words.js';

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const BAR_WIDTH = 18;
const STATE_WIDTH = 17;

/** One target as one line; what does not fit is left out from the right, the least important last. */
export function targetRow(
  target: TargetView,
  width: { readonly columns: number; readonly nameWidth: number },
  style: FrameStyle,
): string {
  const { paint } = style;
  const nameWidth = Math.min(width.nameWidth, width.columns - 4);
  if (nameWidth < 1) return clipMiddle(target.name, width.columns);
  const start = `  ${symbol(target, style)} ${pad(clipMiddle(target.name, nameWidth), nameWidth)}`;
  const used = 4 + nameWidth;
  const line = new Line(start, used, width.columns);
  const words = stateWords(target);
  if (isBroken(target)) {
    line.add(pad(words, STATE_WIDTH), paint.red);
    line.add(time(target, style.now), paint.dim);
    line.fill(target.error ?? '', paint.red);
  } else if (target.state === 'done') {
    line.add(pad(words, STATE_WIDTH), target.sameAsBase === true ? paint.dim : paint.green);
    line.add(time(target, style.now), paint.dim);
    line.fill(target.caches ?? '', paint.dim);
  } else if (target.state === 'uploading') {
    line.add(pad(words, STATE_WIDTH), paint.cyan);
    line.add(time(target, style.now), (text) => text);
    line.fill(target.error ?? '', paint.yellow);
    line.add(target.planned > 0 ? bar(target, style) : '', paint.cyan);
    line.fill(target.lastLine ?? '', paint.dim);
  } else if (target.state === 'building') {
    line.add(pad(words, STATE_WIDTH), paint.cyan);
    line.add(time(target, style.now), (text) => text);
    line.add(bar(target, style), paint.cyan);
    line.add(counts(target), paint.dim);
    line.add(target.machine ?? '', paint.dim);
    line.fill(target.trouble ?? '', paint.yellow);
    line.fill(target.lastLine ?? '', paint.dim);
  } else {
    line.add(pad(words, STATE_WIDTH), target.state === 'evaluating' ? paint.blue : paint.dim);
    line.add(time(target, style.now), paint.dim);
    line.add(planWords(target.plan), paint.dim);
  }
  return line.text();
}

/** Puts parts beside each other as long as they fit whole. */
class Line {
  readonly #columns: number;
  #text: string;
  #used: number;
  #full = false;

  constructor(text: string, used: number, columns: number) {
    this.#text = text;
    this.#used = used;
    this.#columns = columns;
  }

  add(part: string, style: (text: string) => string): void {
    if (part === '' || this.#full) return;
    const length = widthOf(part) + 2;
    if (this.#used + length > this.#columns) {
      this.#full = true;
      return;
    }
    this.#text += `  ${style(part)}`;
    this.#used += length;
  }

  /** Takes what room is left for the beginning of a long text, if that is worth it. */
  fill(part: string, style: (text: string) => string): void {
    const room = this.#columns - this.#used - 2;
    if (room >= 12) this.add(clip(part, room), style);
  }

  text(): string {
    return this.#text;
  }
}

function symbol(target: TargetView, { paint, tick }: FrameStyle): string {
  const turning = SPINNER[tick % SPINNER.length] ?? '·';
  if (target.verdict !== null) {
    const unchanged = target.verdict === 'built' && target.sameAsBase === true;
    return paint[unchanged ? 'dim' : VERDICTS[target.verdict].tone](VERDICTS[target.verdict].symbol);
  }
  if (target.state === 'building' || target.state === 'uploading') return paint.cyan(turning);
  return target.state === 'evaluating' ? paint.blue(turning) : paint.dim('·');
}

/** Elapsed time, and of a build how long it took the last time. */
function time(target: TargetView, now: number): string {
  if (target.seconds !== null) return took(target.seconds).padStart(6);
  if (target.startedAt === null) return '';
  const elapsed = clock(now - target.startedAt).padStart(6);
  return target.estimateSeconds === null ? elapsed : `${elapsed} of about ${clock(target.estimateSeconds * 1000)}`;
}

/** How far a build is, by the time that it took before, else by its derivations; `null` when neither is known. */
export function fraction(target: TargetView, now: number): number | null {
  if (target.estimateSeconds !== null && target.estimateSeconds > 0 && target.startedAt !== null) {
    return Math.min(0.99, Math.max(0, (now - target.startedAt) / 1000 / target.estimateSeconds));
  }
  return target.planned > 0 ? Math.min(1, target.done / target.planned) : null;
}

function bar(target: TargetView, { now, tick }: FrameStyle): string {
  const share = fraction(target, now);
  if (share === null) {
    // Nothing is known: a short piece runs to and fro.
    const span = BAR_WIDTH - 4;
    const at = Math.abs((tick % (span * 2)) - span);
    return `${'─'.repeat(at)}━━━━${'─'.repeat(span - at)}`;
  }
  const full = Math.floor(share * BAR_WIDTH);
  return '━'.repeat(full) + '─'.repeat(BAR_WIDTH - full);
}

const counts = (target: TargetView): string =>
  [
    target.planned > 0
      ? `${target.done}/${target.planned} ${target.state === 'uploading' ? 'paths' : 'derivations'}`
      : '',
    target.plan === null || target.plan.fetches === 0 ? '' : fetchWords(target.plan),
  ]
    .filter((words) => words !== '')
    .join(', ');
