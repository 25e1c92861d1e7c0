import { printableJson, stripControl } from '../../model/text/text.js';

/** Results go to standard output, everything else to standard error. */
export function result(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

export const resultJson = (value: unknown): void => {
  result(printableJson(value, 2));
};

/** A message for the person; may hold colours of our own, so texts from outside are stripped by the caller. */
export function message(text: string): void {
  process.stderr.write(`${text}\n`);
}

export const failure = (text: string): void => {
  message(`${paintFor(process.stderr).red('error:')} ${stripControl(text)}`);
};

const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

type Style = keyof typeof STYLES;
export type Paint = Readonly<Record<Style, (text: string) => string>>;

/** Functions that colour a text, or leave it as it is. */
export function paint(colour: boolean): Paint {
  const style = (name: Style) => (text: string) =>
    colour && text !== '' ? `\x1b[${STYLES[name][0]}m${text}\x1b[${STYLES[name][1]}m` : text;
  return {
    bold: style('bold'),
    dim: style('dim'),
    red: style('red'),
    green: style('green'),
    yellow: style('yellow'),
    blue: style('blue'),
    magenta: style('magenta'),
    cyan: style('cyan'),
  };
}

/** Whether nothing says that the terminal knows how to move its cursor, or to write in colours. */
export const isDumb = (): boolean => ['', 'dumb', 'unknown'].includes(process.env.TERM ?? '');

/** Colour only on a terminal, and not where `NO_COLOR` (no-color.org) or a dumb terminal asks for none. */
export function wantsColour(stream: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR } = process.env;
  return stream.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && !isDumb();
}

export const paintFor = (stream: { readonly isTTY?: boolean }): Paint => paint(wantsColour(stream));
