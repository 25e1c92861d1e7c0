import { open, type FileHandle } from 'node:fs/promises';
import { readAt, readPiece, type LogPiece } from '../../host/command-log.js';
import { lineCutter } from '../../host/line-cutter.js';
import { redactUrl, stripControl, tail } from '../../model/text/text.js';
import { LOG_TAIL_BYTES, LOG_TAIL_LINES } from '../../model/verify/verdict.js';
import { longestSecret, partWithoutSecrets, withoutSecrets } from '../../host/secrets/redact.js';

export interface LogProgress {
  readonly bytes: number;
  /** At most three, without control characters, at most 200 characters each. */
  readonly lastLines: readonly string[];
}

const LAST_LINES = 3;
const LINE_CHARACTERS = 200;
const CHUNK = 256 * 1024;

export const LINE_LIMIT = 4000;

/** Reads a growing log bit by bit. */
export class LogFollower {
  private readonly lines = logLines();
  private lastLines: readonly string[] = [];

  /**
   * @param offset where the log of this start begins, in bytes
   * @param onLines gets all lines, in pieces
   */
  constructor(
    private readonly file: string,
    private offset: number,
    private readonly onLines: (lines: readonly string[]) => void = () => undefined,
  ) {}

  /** Reads what was written since the last call. A log that is not there yet is empty. */
  async read(): Promise<LogProgress> {
    const handle = await open(this.file, 'r').catch(() => null);
    if (handle !== null) {
      try {
        const { size } = await handle.stat();
        for await (const piece of piecesOf(this.file, handle, this.offset)) {
          this.offset = piece.nextOffset;
          this.take(this.lines.push(piece));
          // What is written meanwhile is for the next call.
          if (this.offset >= size) break;
        }
      } finally {
        await handle.close();
      }
    }
    return { bytes: this.offset, lastLines: this.lastLines };
  }

  private take(lines: readonly string[]): void {
    this.onLines(lines);
    this.lastLines = [...this.lastLines, ...lines.slice(-LAST_LINES).map(shown)]
      .filter((line) => line !== '')
      .slice(-LAST_LINES);
  }
}

/** A line as a heartbeat carries it. */
export const shown = (line: string): string =>
  withoutSecrets(stripControl(line)).replaceAll('\n', ' ').trim().slice(0, LINE_CHARACTERS);

/** Lines of a log from `offset` on, each cut where it is long: no line that a builder prints is held in memory whole. */
export async function* linesOf(file: string, offset: number): AsyncGenerator<string> {
  const handle = await open(file, 'r').catch(() => null);
  if (handle === null) return;
  try {
    const lines = logLines();
    for await (const piece of piecesOf(file, handle, offset)) yield* lines.push(piece);
    const rest = lines.rest();
    if (rest !== '') yield rest;
  } finally {
    await handle.close();
  }
}

async function* piecesOf(file: string, handle: FileHandle, offset: number): AsyncGenerator<LogPiece> {
  for (;;) {
    const piece = await readPiece(file, handle, offset, CHUNK);
    if (piece.nextOffset === offset) return;
    offset = piece.nextOffset;
    yield piece;
  }
}

const LINE_FEED = 0x0a;

/** Puts the pieces of a log together into lines. The rest of a line whose beginning is missing is left out: it could mean anything. */
function logLines(): { readonly push: (piece: LogPiece) => readonly string[]; readonly rest: () => string } {
  // A secret that the limit would cut is seen whole.
  const most = LINE_LIMIT + longestSecret();
  let lines = lineCutter(most);
  let isCut = false;
  const cut = (line: string): string => (line.length <= LINE_LIMIT ? line : withoutSecrets(line).slice(0, LINE_LIMIT));
  return {
    push: ({ bytes, leftOut }) => {
      if (leftOut > 0) {
        lines = lineCutter(most);
        isCut = true;
      }
      const from = isCut ? bytes.indexOf(LINE_FEED) + 1 : 0;
      if (isCut && from === 0) return [];
      isCut = false;
      return lines.push(bytes.subarray(from)).map(cut);
    },
    rest: () => cut(lines.rest()),
  };
}

/** The end of a log as a text for people, at most so many bytes of it. */
export async function readEnd(file: string, bytes: number): Promise<string> {
  const handle = await open(file, 'r').catch(() => null);
  if (handle === null) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - bytes);
    // One that begins before the end, and goes on in it, is seen whole.
    const before = Math.min(start, longestSecret());
    const all = await readAt(handle, start - before, size - start + before);
    const clean = partWithoutSecrets(all, before, all.length).toString('utf8');
    // Control characters in a secret hide it from the first look.
    return withoutSecrets(stripControl(clean));
  } finally {
    await handle.close();
  }
}

/** The newest lines of a text, as a report carries them. */
export const logTail = (text: string): string =>
  tail(redactUrl(withoutSecrets(stripControl(text))), { lines: LOG_TAIL_LINES, bytes: LOG_TAIL_BYTES });
