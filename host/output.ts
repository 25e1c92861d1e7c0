export interface CollectedOutput {
  /** Takes more; gives whether there is more in all than may be. */
  readonly push: (chunk: Buffer) => boolean;
  readonly text: () => string;
}

/** Output that is wanted whole: past `limit` it is of no use. */
export function wholeOutput(limit: number): CollectedOutput {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    push: (chunk) => {
      size += chunk.length;
      if (size > limit) return true;
      chunks.push(chunk);
      return false;
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

/**
 * Output whose beginning and end are kept, with a line that says what is left out.
 * @param kept bytes of the beginning, and as many of the end
 * @param limit bytes that there may be in all
 */
export function bothEnds(kept: number, limit: number): CollectedOutput {
  const head: Buffer[] = [];
  let tail: Buffer[] = [];
  let headSize = 0;
  let tailSize = 0;
  let size = 0;
  return {
    push: (chunk) => {
      size += chunk.length;
      const first = chunk.subarray(0, Math.max(0, kept - headSize));
      if (first.length > 0) head.push(first);
      headSize += first.length;
      const rest = chunk.subarray(first.length);
      if (rest.length > 0) tail.push(rest);
      tailSize += rest.length;
      // Only now and then, so that a flood in small pieces is not copied again and again.
      if (tailSize > 2 * kept) {
        tail = [Buffer.from(Buffer.concat(tail).subarray(-kept))];
        tailSize = kept;
      }
      return size > limit;
    },
    text: () => {
      const end = Buffer.concat(tail).subarray(-kept);
      const left = size - headSize - end.length;
      const gap = left === 0 ? '' : `\n[${left} bytes left out]\n`;
      return Buffer.concat(head).toString('utf8') + gap + end.toString('utf8');
    },
  };
}
