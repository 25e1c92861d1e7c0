import { createHash } from 'node:crypto';
import { markup, type Content, type Markup } from './markup.js';
import { STYLE } from './style.js';

/** How every page begins that Lockkeeper makes: such a page it may replace and remove. */
export const PAGE_BEGINNING =
  '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="generator" content="Lockkeeper">';

const STYLE_HASH = createHash('sha256').update(STYLE.text).digest('base64');

/** Nothing is loaded and nothing runs, whatever a report holds; only the page's own style holds. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'`;

export const page = (title: string, body: Content): string =>
  `${PAGE_BEGINNING}${
    markup`
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`.text
  }`;

export type Section = readonly [title: string, id: string, content: Content];

/** Sections, and links to them where there are several; those with nothing in them are left out. */
export function sections(all: readonly Section[]): Content {
  const known = all.filter(([, , content]) => !isEmpty(content));
  const links = known.map(([title, id]) => markup`<li><a href="#${id}">${title}</a></li>`);
  return [
    known.length < 3 ? null : markup`<nav aria-label="On this page"><ul class="contents">${links}</ul></nav>`,
    known.map(
      ([title, id, content]) => markup`
<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${content}
</section>`,
    ),
  ];
}

const isEmpty = (content: Content): boolean =>
  content === null || content === '' || (Array.isArray(content) && content.every((each) => isEmpty(each as Content)));

export interface Column {
  readonly title: string;
  /** `sign`, `number`, `text` (long words may break), `chart`, `wide` (only where there is room), or several of these. */
  readonly of?: string;
  /** Only programs that read the page aloud say the title. */
  readonly hidden?: true;
}

/** A table whose second cell names the row, where the first is a sign. */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly Content[])[]): Markup {
  const heading = columns.findIndex(({ of }) => of !== 'sign');
  const heads = columns.map(
    ({ title, of = '', hidden }) =>
      markup`<th scope="col"${classOf(of)}>${hidden === true ? markup`<span class="aloud">${title}</span>` : title}</th>`,
  );
  const lines = rows.map((cells) => {
    const line = cells.map((cell, index) => cellOf(cell, columns[index]?.of ?? '', index === heading));
    return markup`<tr>${line}</tr>\n`;
  });
  return markup`<table>
<caption class="aloud">${caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${lines}</tbody>
</table>`;
}

const cellOf = (cell: Content, of: string, isHeading: boolean): Markup =>
  isHeading ? markup`<th scope="row"${classOf(of)}>${cell}</th>` : markup`<td${classOf(of)}>${cell}</td>`;

const classOf = (of: string): Markup | null => (of === '' ? null : markup` class="${of}"`);

/** Terms and what there is to say of them; those of which there is nothing are left out. */
export function facts(of: readonly (readonly [term: string, content: Content])[]): Markup | null {
  const known = of.filter(([, content]) => !isEmpty(content));
  return known.length === 0
    ? null
    : markup`<dl>${known.map(([term, content]) => markup`<div><dt>${term}</dt><dd>${content}</dd></div>`)}</dl>`;
}

export const list = (items: readonly Content[]): Markup | null =>
  items.length === 0 ? null : markup`<ul>${items.map((item) => markup`<li>${item}</li>\n`)}</ul>`;

/** A part of which only the first line is seen until somebody opens it; printing shows it all. */
export const folded = (summary: Content, content: Content, open = false): Markup =>
  markup`<details${open ? markup` open` : null}><summary>${summary}</summary>${content}</details>`;

/** How a sign looks: the sign itself always says the same, for those who do not see colours. */
export type Tone = 'good' | 'bad' | 'warn' | 'calm';

export const sign = (symbol: string, tone: Tone): Markup =>
  markup`<span class="${tone}" aria-hidden="true">${symbol}</span>`;
