/**
 * Splits a command line into its words, as a shell does, without any of a shell's other powers: quotes `'…'` and `"…"`, and a
 * backslash before a character outside of single quotes. `null` when a quote or backslash is left open.
 */
export function splitWords(line: string): readonly string[] | null {
  const words: string[] = [];
  const part = /\s+|'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)/gsy;
  let word: string | null = null;
  while (part.lastIndex < line.length) {
    const match = part.exec(line);
    if (match === null) return null;
    const [text, single, double, escaped, plain] = match;
    const piece = single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain;
    if (piece !== undefined) word = (word ?? '') + piece;
    else if (word !== null && text !== '') {
      words.push(word);
      word = null;
    }
  }
  return word === null ? words : [...words, word];
}
