/** Texts without colours, measured and cut in columns of a terminal. */
const segmenter = new Intl.Segmenter();

/** What a person sees as one character each. */
const characters = (text: string): string[] => Array.from(segmenter.segment(text), ({ segment }) => segment);

/** East Asian wide characters and emoji take two columns. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

const columnsOf = (character: string): number => (WIDE.test(character) ? 2 : 1);

/** Columns that a text takes. */
export const width = (text: string): number => characters(text).reduce((sum, each) => sum + columnsOf(each), 0);

/** Rows that a line takes in a terminal that breaks it, without its colours. A wide character is never broken. */
export function rowsOf(line: string, columns: number): number {
  let rows = 1;
  let used = 0;
  for (const character of characters(withoutColours(line).trimEnd())) {
    used += columnsOf(character);
    if (used <= columns) continue;
    rows += 1;
    used = columnsOf(character);
  }
  return rows;
}

// eslint-disable-next-line no-control-regex -- our own colours are what it looks for
const withoutColours = (line: string): string => line.replace(/\x1b\[[\d;]*m/g, '');

/** Cuts a text to a number of columns, with an ellipsis in place of what does not fit. */
export function clip(text: string, columns: number): string {
  if (columns <= 0) return '';
  if (width(text) <= columns) return text;
  let kept = '';
  let used = 0;
  for (const character of characters(text)) {
    used += columnsOf(character);
    if (used > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** As `clip`, with the ellipsis in the middle: of a path or an address both ends tell most. */
export function clipMiddle(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  const end = Math.floor((columns - 1) / 2);
  const kept = reversed(clip(reversed(text), end + 1)).slice(1);
  return clip(text, columns - width(kept)) + kept;
}

const reversed = (text: string): string => characters(text).reverse().join('');

export const pad = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - width(text)));

/** Breaks a text between words into at most `limit` lines; the last is cut when it holds more. */
export function wrap(text: string, columns: number, limit: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let line = '';
  for (const word of text.trim().split(' ')) {
    const longer = line === '' ? indent + word : `${line} ${word}`;
    if (line !== '' && width(longer) > columns && lines.length < limit - 1) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line].map((each) => clip(each, columns));
}
