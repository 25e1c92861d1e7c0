import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { lineCutter } from '../../host/line-cutter.js';
import { stripControl } from '../../model/text/text.js';

/** How far the log of a command is. */
export interface LogProgress {
  readonly bytes: number;
  /** At most three, without control characters, at most 200 characters each. */
  readonly lastLines: readonly string[];
}

const LAST_LINES = 3;
const LINE_CHARACTERS = 200;
const CHUNK = 256 * 1024;

/** Bytes of a line that are looked at. */
export const LINE_LIMIT = 4000;

/** Reads a growing log bit by bit. */
export class LogFollower {
  private rest = Buffer.alloc(0);
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
        while (this.offset < size) {
          const length = Math.min(CHUNK, size - this.offset);
          const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, this.offset);
          if (bytesRead === 0) break;
          this.offset += bytesRead;
          this.take(buffer.subarray(0, bytesRead));
        }
      } finally {
        await handle.close();
      }
    }
    return { bytes: this.offset, lastLines: this.lastLines };
  }

  private take(chunk: Buffer): void {
    const all = Buffer.concat([this.rest, chunk]);
    const end = all.lastIndexOf(0x0a);
    // A line without end is not kept for ever.
    this.rest = Buffer.from(all.subarray(end + 1)).subarray(-CHUNK);
    if (end === -1) return;
    const lines = all.subarray(0, end).toString('utf8').split('\n');
    this.onLines(lines);
    this.lastLines = [...this.lastLines, ...lines.slice(-LAST_LINES).map(shown)]
      .filter((line) => line !== '')
      .slice(-LAST_LINES);
  }
}

/** A line as a heartbeat carries it. */
export const shown = (line: string): string =>
  stripControl(line.slice(0, 4 * LINE_CHARACTERS))
    .replaceAll('\n', ' ')
    .trim()
    .slice(0, LINE_CHARACTERS);

/** Lines of a log from `offset` on, each cut where it is long: no line that a builder prints is held in memory whole. */
export async function* linesOf(file: string, offset: number): AsyncGenerator<string> {
  const there = await stat(file).catch(() => null);
  if (there === null) return;
  const lines = lineCutter(LINE_LIMIT);
  for await (const chunk of createReadStream(file, { start: offset })) yield* lines.push(chunk as Buffer);
  const rest = lines.rest();
  if (rest !== '') yield rest;
}

/** The end of a log, at most so many bytes. */
export async function readEnd(file: string, bytes: number): Promise<string> {
  const handle = await open(file, 'r').catch(() => null);
  if (handle === null) return '';
  try {
    const { size } = await handle.stat();
    const start = Math.max(0, size - bytes);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}
