import { constants, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatSize } from '../model/text/size.js';
import { systemCode } from './errors.js';

/** Why a file is not read, as a clause whose subject is the file: `it is larger than 1.0 MiB`. */
export class FileFault extends Error {
  override readonly name = 'FileFault';
}

/** A pipe whose writer is slower than this is given up. */
const PIPE_MS = 10_000;
const PIPE_PAUSE_MS = 20;
/** Bytes that are read at once, where a file does not say how many it has, and beyond those that it says. */
const PIECE = 64 * 1024;
const BEYOND = 512;

/**
 * Text of a file that somebody named: a regular one, or a pipe that somebody writes to at the moment, as `<(…)` of a shell is. Neither
 * a device nor a pipe without a writer is waited for.
 * @param most bytes that it may have
 * @param look at what was opened, before it is read
 * @throws FileFault, and what opening or looking throws
 */
export async function readBounded(file: string, most: number, look?: (found: Stats) => void): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    look?.(found);
    if (found.isDirectory()) throw new FileFault('it is a folder');
    if (!found.isFile() && !found.isFIFO()) throw new FileFault('it is neither a file nor a pipe');
    // Files of the kernel have no size before they are read.
    const tooLarge = new FileFault(`it is larger than ${formatSize(most)}`);
    if (found.size > most) throw tooLarge;
    const pieces: Buffer[] = [];
    let size = 0;
    const deadline = Date.now() + PIPE_MS;
    for (;;) {
      // Thousands of small records are read at the end of a run.
      const left = found.size - size;
      const piece = await nextPiece(handle, found.size === 0 ? PIECE : Math.min(Math.max(left, 0) + BEYOND, PIECE));
      if (piece === 'later') {
        if (Date.now() > deadline) throw new FileFault('it is a pipe that nobody closes');
        await sleep(PIPE_PAUSE_MS);
        continue;
      }
      if (piece.length === 0) break;
      size += piece.length;
      if (size > most) throw tooLarge;
      pieces.push(piece);
    }
    if (size === 0 && found.isFIFO()) throw new FileFault('it is a pipe to which nobody writes');
    return Buffer.concat(pieces).toString('utf8');
  } finally {
    await handle.close();
  }
}

/** Empty at the end; `later` while a pipe's writer has nothing to say. */
async function nextPiece(handle: FileHandle, most: number): Promise<Buffer | 'later'> {
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(most), 0, most, null);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (systemCode(error) === 'EAGAIN') return 'later';
    throw error;
  }
}
