/** Cuts a text without colours to a number of columns, with an ellipsis in place of what does not fit. */
export function clip(text: string, columns: number): string {
  const characters = [...text];
  if (columns <= 0) return '';
  return characters.length <= columns ? text : `${characters.slice(0, columns - 1).join('')}…`;
}

export const pad = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - [...text].length));

/** Breaks a text between words into at most `limit` lines; the last is cut when it holds more. */
export function wrap(text: string, columns: number, limit: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let line = '';
  for (const word of text.trim().split(' ')) {
    const longer = line === '' ? indent + word : `${line} ${word}`;
    if (line !== '' && [...longer].length > columns && lines.length < limit - 1) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line].map((each) => clip(each, columns));
}
