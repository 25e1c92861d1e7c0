import { painter, type Paint } from '../../model/report/paint.js';
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

/** Whether nothing says that the terminal knows how to move its cursor, or to write in colours. */
export const isDumb = (): boolean => ['', 'dumb', 'unknown'].includes(process.env.TERM ?? '');

/** Colour only on a terminal, and not where `NO_COLOR` (no-color.org) or a dumb terminal asks for none. */
export function wantsColour(stream: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR } = process.env;
  return stream.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && !isDumb();
}

export const paintFor = (stream: { readonly isTTY?: boolean }): Paint => painter(wantsColour(stream));
