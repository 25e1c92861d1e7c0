/**
 * Texts from outside (logs, names, messages, URLs) made fit to show to people. Plain JavaScript alone: workflows, whose
 * sandbox has no `Buffer`, use it too. Limits are in bytes of UTF-8.
 */

/* eslint-disable no-control-regex -- control characters are what these expressions look for */
/** Strings that a terminal takes as commands (OSC, DCS, SOS, PM, APC); one that nobody ends stops at the end of its line. */
const CONTROL_STRINGS = /(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?/g;
/** Control sequences (colours, cursor movements) and the shorter escape sequences. */
const ESCAPE_SEQUENCES = /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?/g;
/** Every C0 and C1 control that is not a line feed or a tab, and DEL. */
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
/** Marks that make a terminal or browser show text in another order than it is written in. */
const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const UNSAFE_IN_COMMANDS = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const UNSAFE_IN_JSON = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
/* eslint-enable no-control-regex */

const LONE_SURROGATES = /[\ud800-\udfff]/gu;
const ELLIPSIS = '…';

/**
 * Takes out all that could steer a terminal or lie about the order of characters. Line feeds and tabs stay; a carriage
 * return starts a new line, so that the states of a progress bar don't run into each other.
 */
export const stripControl = (text: string): string =>
  text
    .replace(CONTROL_STRINGS, '')
    .replace(ESCAPE_SEQUENCES, '')
    .replace(/\r+\n?/g, '\n')
    .replace(CONTROLS, '')
    .replace(BIDI_CONTROLS, '')
    .replace(LONE_SURROGATES, '\ufffd');

/**
 * The end of a text: at most so many lines and bytes, without line feeds at its end. A line that the byte limit would
 * cut is left out, unless it is the last one: of that its end is kept.
 */
export function tail(text: string, limits: { readonly lines: number; readonly bytes: number }): string {
  const end = endWithoutLineFeeds(text);
  let start = end;
  let lineStart: number | null = null;
  let lines = 1;
  let bytes = 0;
  while (start > 0 && limits.lines > 0) {
    const point = codePointBefore(text, start);
    if (point.value === LINE_FEED) {
      lineStart = start;
      if (lines === limits.lines) return text.slice(start, end);
      lines += 1;
    }
    bytes += utf8Bytes(point.value);
    if (bytes > limits.bytes) return text.slice(lineStart ?? start, end);
    start -= point.units;
  }
  return text.slice(start, end);
}

/** The beginning of a text, with an ellipsis in place of what doesn't fit; never more than `bytes` with it. */
export function truncate(text: string, bytes: number): string {
  // No UTF-16 unit takes more.
  if (text.length * 3 <= bytes) return text;
  const room = bytes - utf8Length(ELLIPSIS);
  let kept = 0;
  let used = 0;
  for (const character of text) {
    used += utf8Bytes(character.codePointAt(0) ?? 0);
    if (used > bytes) return room < 0 ? '' : text.slice(0, kept) + ELLIPSIS;
    if (used <= room) kept += character.length;
  }
  return text;
}

/** As `truncate`, with the ellipsis in the middle: what tells one name from another often stands at its end. */
export function truncateMiddle(text: string, bytes: number): string {
  if (text.length * 3 <= bytes || utf8Length(text) <= bytes) return text;
  const characters = Array.from(text);
  let used = 0;
  let from = characters.length;
  const room = Math.floor((bytes - utf8Length(ELLIPSIS)) / 2);
  while (used <= room) {
    from -= 1;
    used += utf8Length(characters[from] ?? '');
  }
  const end = characters.slice(from + 1).join('');
  return truncate(text, bytes - utf8Length(end)) + end;
}

export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) bytes += utf8Bytes(character.codePointAt(0) ?? 0);
  return bytes;
}

/**
 * Takes `user:password@` out of every URL in a text, which may be one URL or a whole message of Git. Addresses such as
 * `git@host:path` stay: they can't hold a password.
 */
export const redactUrl = (text: string): string => text.replace(/([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#]*@/gi, '$1');

/** One word of a command that a person may copy into a shell. Unprintable characters are spelled out. */
export function shellQuote(word: string): string {
  if (/^[\w/:.,@%+-][\w/:.,@%+=-]*$/.test(word)) return word;
  if (word.search(UNSAFE_IN_COMMANDS) === -1) return `'${word.replaceAll("'", "'\\''")}'`;
  const spelled = word.replace(/[\\']/g, '\\$&').replace(UNSAFE_IN_COMMANDS, escapeCode);
  return `$'${spelled}'`;
}

/**
 * A value as JSON that may go to a terminal: `JSON.stringify` leaves C1 controls, which some terminals obey, and marks of
 * direction as they are.
 * @param indent spaces for each level; without it all is on one line
 */
export const printableJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, null, indent).replace(UNSAFE_IN_JSON, escapeCode);

const escapeCode = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * A text as one line of Markdown that shows it as it is, in a paragraph or a table cell: no emphasis, code, links or
 * HTML come of it. Not for use between backticks.
 */
export const escapeMarkdown = (text: string): string =>
  stripControl(text)
    .replace(/[\s\u2028\u2029]+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]|~#]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/:(?=\/\/)|(?<=\bwww)\./gi, '\\$&')
    .replace(/^[-+=]|(?<=^\d{1,9})[.)]/, '\\$&');

/** A time span for people: `42 s`, `3 min 05 s`, `1 h 02 min`. Other numbers are `0 s`. */
export function formatSeconds(seconds: number): string {
  const whole = Number.isFinite(seconds) ? Math.max(0, Math.round(seconds)) : 0;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

const LINE_FEED = 0x0a;

function endWithoutLineFeeds(text: string): number {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === LINE_FEED) end -= 1;
  return end;
}

/** The code point that ends before `index`, and how many UTF-16 units it takes. */
function codePointBefore(text: string, index: number): { readonly value: number; readonly units: number } {
  const pair = index >= 2 ? (text.codePointAt(index - 2) ?? 0) : 0;
  return pair > 0xffff ? { value: pair, units: 2 } : { value: text.charCodeAt(index - 1), units: 1 };
}

/** Lone surrogates are written as U+FFFD, which takes three bytes as they would. */
function utf8Bytes(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

export const capitalized = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** What `encodeURIComponent` made of a text; a text that it cannot have made is given back. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
