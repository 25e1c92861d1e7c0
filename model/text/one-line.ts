import { stripControl, truncate, truncateMiddle } from './text.js';

/** Outside text that must stay on the line it is put on: a reason, a comment. */
const LINE_BYTES = 300;
const NAME_BYTES = 120;

/**
 * Outside text as one line without control characters, cut to `bytes` of UTF-8. Every kind of white space, the Unicode
 * line separators among it, becomes a single space: nothing in it can begin a line of its own.
 */
export const oneLine = (text: string, bytes: number = LINE_BYTES): string => truncate(onOneLine(text), bytes);

/** As `oneLine`, for the name of a host or an input: of one that is too long the beginning and the end stay. */
export const oneName = (name: string): string => truncateMiddle(onOneLine(name), NAME_BYTES);

/** Most texts are one line already. */
const IS_ONE_LINE = /^(?:[!-~]+(?: [!-~]+)*)?$/;

const onOneLine = (text: string): string =>
  text.length < 1000 && IS_ONE_LINE.test(text)
    ? text
    : stripControl(text)
        .replace(/[\s\u0085\u2028\u2029]+/g, ' ')
        .trim();
