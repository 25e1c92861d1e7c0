/** A Nix string literal that means exactly `text`. */
export const nixString = (text: string): string =>
  `"${text
    .replace(/[\\"]/g, '\\$&')
    .replace(/\$\{/g, '\\${')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t')}"`;

/** A name that stands in an attribute path without quotes. Flakes use words such as `x86_64-linux` so; Nix reads them whole. */
const PLAIN = /^[A-Za-z_][A-Za-z0-9_'-]*$/;
/** What means something else without quotes. */
const KEYWORDS = new Set(['assert', 'else', 'if', 'in', 'inherit', 'let', 'or', 'rec', 'then', 'with']);

/** An attribute path as Nix writes it: `packages.x86_64-linux."a.b"`. */
export const attributePath = (path: readonly string[]): string =>
  path.map((name) => (PLAIN.test(name) && !KEYWORDS.has(name) ? name : nixString(name))).join('.');

/**
 * Reads an attribute path as people type it: names between dots, in double quotes where they hold dots themselves. In quotes
 * a backslash takes the next character as it is.
 * @returns `null` when it is none: a name is empty, or a quote is not closed
 */
export function readAttributePath(text: string): readonly string[] | null {
  const names: string[] = [];
  let at = 0;
  for (;;) {
    const [whole, quoted, plain = ''] = STEP.exec(text.slice(at)) ?? [''];
    const name = quoted?.replace(/\\(.)/gsu, '$1') ?? plain;
    if (name === '') return null;
    names.push(name);
    at += whole.length;
    if (at === text.length) return names;
    if (text[at] !== '.') return null;
    at += 1;
  }
}

const STEP = /^(?:"((?:[^"\\]|\\.)*)"|([^."]+))/su;
