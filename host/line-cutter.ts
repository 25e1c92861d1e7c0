/** Puts pieces of a stream together into lines; a line may be cut anywhere between two pieces. */
export interface LineCutter {
  readonly push: (bytes: Buffer) => string[];
  /** What has come of a line that has not ended. */
  readonly rest: () => string;
}

const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/** @param most bytes of a line that are kept; what is past them is left out */
export function lineCutter(most: number): LineCutter {
  let open = Buffer.alloc(0);
  const text = (line: Buffer): string =>
    line.subarray(0, line.at(-1) === RETURN ? line.length - 1 : line.length).toString('utf8');
  return {
    push: (bytes) => {
      const lines: string[] = [];
      let start = 0;
      for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
        const last = bytes.subarray(start, Math.min(end, start + most));
        lines.push(text(open.length === 0 ? last : Buffer.concat([open, last]).subarray(0, most)));
        open = Buffer.alloc(0);
        start = end + 1;
      }
      if (open.length < most) open = Buffer.concat([open, bytes.subarray(start, start + most - open.length)]);
      return lines;
    },
    rest: () => text(open),
  };
}
