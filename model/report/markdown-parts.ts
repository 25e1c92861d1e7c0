import { oneLine } from '../text/one-line.js';
import { escapeMarkdown, stripControl, truncate } from '../text/text.js';
import { isWebAddress } from '../text/web-address.js';

/**
 * The few forms in which outside text enters Markdown. It goes into code spans and fences where it can: inside of those no forge makes
 * links, mentions (`@name`), references (`#12`) or closing words (`fixes #12`) of it.
 */

/** Outside text as a code span on one line; nothing for an empty text, which has no code span. */
export function code(text: string, bytes = 1000): string {
  const line = oneLine(text, bytes);
  if (line === '') return '';
  const fence = '`'.repeat(longestRun(line) + 1);
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${line}${pad}${fence}`;
}

export function codeBlock(text: string): string {
  const clean = stripControl(text);
  const fence = '`'.repeat(Math.max(3, longestRun(clean) + 1));
  return `${fence}text\n${clean}\n${fence}`;
}

/** A link, if the address is one of the Web and has nothing in it that could end the link; else the address as code. */
export const link = (label: string, url: string): string => (isWebAddress(url) ? `[${label}](${url})` : code(url));

/** A row of a table. A `|` ends a cell even inside of a code span, so it is escaped everywhere. */
export const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

/**
 * What forges make links of, and tell people of: an issue in a stranger's repository says for ever who has named it. Names,
 * numbers, addresses of issues and requests, commits.
 */
const LINKED =
  /@(?=\w)|[#!](?=\d)|\bGH-(?=\d)|\/(?:issues|pulls?|discussions|merge\\?_requests)\/(?=\d)|\b[0-9a-f](?=[0-9a-f]{6,63}\b)/gi;

/** Markdown in which forges find none of these: a space without width is in each. */
const unlinked = (text: string): string => text.replace(LINKED, '$&&#8203;');

/** Outside text within a sentence, on one line: it is shown as it is, and nobody is told of it. */
export const words = (text: string, bytes = 300): string => unlinked(escapeMarkdown(truncate(text, bytes)));

/** Outside text inside a code element of HTML, on one line. */
export const html = (text: string, bytes = 300): string =>
  oneLine(text, bytes)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

const longestRun = (text: string): number => Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
