import { utf8Length } from '../text/text.js';

/** A part of a text in Markdown. It may be cut between its items, and never inside of one. */
export interface Part {
  /** What stands before the items; empty for a part that is one item. */
  readonly head: string;
  /** Each item in one form or more, the longest first. */
  readonly items: readonly (readonly [string, ...string[]])[];
  /** What stands between head and items: rows and bullets follow each other, sections have an empty line between them. */
  readonly gap: '\n' | '\n\n';
  /** From 0 on: of parts with a higher number less is shown first. */
  readonly rank: number;
  /** Most of the whole text that the part may take before the others have what they need: 0 to 1. */
  readonly share: number;
  /** How many things are left out when so many items are shown, and what they are called: `[3, 'hosts']`. */
  readonly leftOut: (shown: number) => readonly [count: number, what: string];
}

/** Forges take at least this much. */
export const MARKDOWN_BYTES = 60_000;

/** Below this there is no room for what every text says. */
export const LEAST_MARKDOWN_BYTES = 2000;

/**
 * The parts one below the other in at most `limit` bytes of UTF-8, which is `LEAST_MARKDOWN_BYTES` or more. What is left out is counted:
 * at the end of its part, or, of parts that are not shown at all, at the end of the text.
 * @param whole says where all of it can be seen, in less than 300 bytes
 */
export function fitted(parts: readonly Part[], limit: number, whole: string): string {
  const all = parts.map((part) => cut(part, Infinity));
  const joined = textOf(all);
  if (utf8Length(joined) <= limit) return joined;
  const notice = (missing: readonly Part[]): string => noticeOf(missing, limit, whole);
  let room = limit - utf8Length(notice(parts)) - GAP;
  const cuts = parts.map(() => '');
  const inOrder = [...parts.keys()].sort((one, other) => (parts[one]?.rank ?? 0) - (parts[other]?.rank ?? 0));
  // Each has its share first, and what is left over then goes to the most important ones.
  for (const limited of [true, false])
    for (const index of inOrder) {
      const part = parts[index];
      const before = cuts[index] ?? '';
      if (part === undefined || before === all[index]) continue;
      room += spaceOf(before);
      const after = cut(part, Math.min(room - GAP, limited ? part.share * limit : Infinity));
      cuts[index] = after;
      room -= spaceOf(after);
    }
  return textOf([...cuts, notice(parts.filter((_, index) => cuts[index] === '' && all[index] !== ''))]);
}

const GAP = 2;
const spaceOf = (text: string): number => (text === '' ? 0 : utf8Length(text) + GAP);
const textOf = (parts: readonly string[]): string => `${parts.filter((part) => part !== '').join('\n\n')}\n`;

function noticeOf(missing: readonly Part[], limit: number, whole: string): string {
  const counted = missing.map(({ leftOut }) => leftOut(0)).map(([count, what]) => `${count} ${what}`);
  const besides = counted.length === 0 ? '' : ` Left out: ${counted.join(', ')}.`;
  return `Cut to ${limit} bytes.${besides} ${whole}`;
}

/** As much of a part as fits: half of the room goes to the number of its items, the other half to how much is said of the first ones. */
function cut({ head, items, gap, leftOut }: Part, bytes: number): string {
  if (items.length === 0) return '';
  const rest = (shown: number): string => {
    const [count, what] = leftOut(shown);
    return count > 0 ? `\n\nand ${count} more ${what}` : '';
  };
  const before = head === '' ? 0 : utf8Length(head) + gap.length;
  const room = bytes - before - utf8Length(rest(0));
  const chosen: string[] = [];
  let used = 0;
  const take = (most: number): void => {
    for (const forms of items.slice(chosen.length)) {
      const shortest = forms.at(-1) ?? '';
      const size = utf8Length(shortest) + gap.length;
      if (used + size > most) return;
      chosen.push(shortest);
      used += size;
    }
  };
  take(room / 2);
  if (chosen.length === 0) take(room);
  for (const [index, shortest] of chosen.entries()) {
    const left = room - used + utf8Length(shortest);
    const longer = items[index]?.find((form) => form === shortest || utf8Length(form) <= left) ?? shortest;
    used += utf8Length(longer) - utf8Length(shortest);
    chosen[index] = longer;
  }
  take(room);
  if (chosen.length === 0) return '';
  return `${[...(head === '' ? [] : [head]), ...chosen].join(gap)}${rest(chosen.length)}`;
}
