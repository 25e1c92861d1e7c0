/** How parts of a terminal text are made to stand out. */
export type Paint = Readonly<Record<keyof typeof CODES, (text: string) => string>>;

/** Select Graphic Rendition codes: on and off. */
const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** @param color `false` gives every text back as it is */
export function painter(color: boolean): Paint {
  const wrap =
    ([on, off]: readonly [number, number]) =>
    (text: string): string =>
      color ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    bold: wrap(CODES.bold),
    dim: wrap(CODES.dim),
    red: wrap(CODES.red),
    green: wrap(CODES.green),
    yellow: wrap(CODES.yellow),
    cyan: wrap(CODES.cyan),
  };
}
