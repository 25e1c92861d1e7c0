import type { FileHandle } from 'node:fs/promises';
import { formatSize } from '../model/text/size.js';
import { hasFields, readJson } from './files.js';

/**
 * The log of a supervised command. The supervisor gives the middle of a long one back to the disk, as a hole in the file: places in
 * the log stay what they were, and `LOG.gap` says which bytes are gone, before they go.
 */
interface LogGap {
  /** Bytes from the beginning of the file; `to` is the first one that is there again. */
  readonly from: number;
  readonly to: number;
}

export interface LogPiece {
  /** Empty at the end, and where something is left out. */
  readonly bytes: Buffer;
  readonly nextOffset: number;
  /** Bytes that are gone between this piece's place and the next one, which then begins in the middle of a line. */
  readonly leftOut: number;
}

export const gapFile = (log: string): string => `${log}.gap`;

/** The words for people in the place of what is gone. */
export const leftOutLine = (bytes: number): string =>
  `\n== lockkeeper: ${formatSize(bytes)} of the log are left out here ==\n`;

/** @param most bytes of the piece */
export async function readPiece(log: string, handle: FileHandle, offset: number, most: number): Promise<LogPiece> {
  const bytes = await readAt(handle, offset, most);
  // Looked at afterwards: what is gone by then was noted before.
  const gap = await readJson(gapFile(log), hasFields<LogGap>('from', 'to'));
  const whole = { bytes, nextOffset: offset + bytes.length, leftOut: 0 };
  if (gap === null || offset >= gap.to || whole.nextOffset <= gap.from) return whole;
  // A command can cut its own log, by opening /dev/stdout.
  if ((await handle.stat()).size < gap.to) return whole;
  if (offset >= gap.from) return { bytes: Buffer.alloc(0), nextOffset: gap.to, leftOut: gap.to - offset };
  return { bytes: bytes.subarray(0, gap.from - offset), nextOffset: gap.from, leftOut: 0 };
}

/** Bytes of a file from a place on, as many as there are. */
export async function readAt(handle: FileHandle, offset: number, most: number): Promise<Buffer> {
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(most), 0, most, offset);
  return buffer.subarray(0, bytesRead);
}
