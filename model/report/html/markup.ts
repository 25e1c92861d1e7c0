import { stripControl, tail, truncate } from '../../text/text.js';
import { isWebAddress } from '../../text/web-address.js';

/** Longest text that a page shows in one piece, in bytes. */
const TEXT_BYTES = 12 * 1024;

/** HTML that is complete and safe to show. Only `markup` makes it: no text from outside can pass for it. */
class Markup {
  constructor(readonly text: string) {}
}
export type { Markup };

/** What may stand in a page: markup as it is, texts and numbers as what they are, nothing for `null`, and lists of these. */
export type Content = Markup | string | number | null | readonly Content[];

/**
 * The one door into a page: what stands in the template is HTML, every value that is put into it is escaped, in elements and in quoted
 * attributes alike. A value is never the name of an element or an attribute, and an address goes through `link`.
 * @throws TypeError for values of a damaged report that are of no such type
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = parts[0] ?? '';
  // Added one by one, a text is put together once, at its end, and not on each level of a page.
  for (let index = 0; index < values.length; index += 1) {
    text += render(values[index]);
    text += parts[index + 1] ?? '';
  }
  return new Markup(text);
}

function render(value: unknown): string {
  if (typeof value === 'string') return escape(value);
  if (value instanceof Markup) return value.text;
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) {
    let text = '';
    for (const each of value) text += render(each);
    return text;
  }
  throw new TypeError(`${typeof value} where a text should be`);
}

/** Most texts are names and words, which need nothing. */
const PLAIN = /^[ !#-%(-;=?-_a-~·→✔✘•■–]{0,1000}$/;

const escape = (text: string): string =>
  PLAIN.test(text)
    ? text
    : truncate(stripControl(text.slice(0, TEXT_BYTES)), TEXT_BYTES).replace(
        /[&<>"'`]/g,
        (sign) => ENTITIES[sign] ?? '',
      );

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;' },
  ...{ '"': '&quot;', "'": '&#39;', '`': '&#96;' },
};

/** A link to a page of the Web; any other text is shown without a link. */
export const link = (label: Content, url: string): Markup =>
  isWebAddress(url) ? markup`<a href="${url}" rel="noreferrer">${label}</a>` : markup`<code>${url}</code>`;

/** Outside text in which a name from another script does not change the order of its neighbours. */
export const name = (text: string): Markup => markup`<bdi>${text}</bdi>`;

/** The end of a log: at most so many lines and bytes; nothing for an empty one. */
export function logEnd(log: string | null, limits: { readonly lines: number; readonly bytes: number }): Markup | null {
  // A single line may have 10 MB.
  const end = tail(stripControl((log ?? '').slice(-4 * limits.bytes)), limits);
  return end.trim() === ''
    ? null
    : markup`<div class="log" tabindex="0" role="group" aria-label="The end of the log"><pre>${end}</pre></div>`;
}
