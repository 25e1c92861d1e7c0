export type Paint = Readonly<Record<keyof typeof CODES, (text: string) => string>>;

/** Select Graphic Rendition codes: on and off. */
const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

/** @param color `false` gives every text back as it is */
export const painter = (color: boolean): Paint =>
  Object.fromEntries(
    Object.entries(CODES).map(([name, [on, off]]) => [
      name,
      (text: string) => (color && text !== '' ? `\u001b[${on}m${text}\u001b[${off}m` : text),
    ]),
  ) as Paint;
