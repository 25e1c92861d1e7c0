import { stripControl, truncate } from './text.js';

/** Outside text that must stay on the line it is put on: a name, a reason, a comment. */
const LINE_BYTES = 300;

/**
 * Outside text as one line without control characters, cut to `bytes` of UTF-8. Every kind of white space, the Unicode
 * line separators among it, becomes a single space: nothing in it can begin a line of its own.
 */
export const oneLine = (text: string, bytes: number = LINE_BYTES): string =>
  truncate(
    stripControl(text)
      .replace(/[\s\u0085\u2028\u2029]+/g, ' ')
      .trim(),
    bytes,
  );
