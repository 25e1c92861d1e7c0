import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** A file of advisories that cannot be read, or not to its end: a clause whose subject is the file. */
export class AdvisoriesUnreadable extends Error {
  override readonly name = 'AdvisoriesUnreadable';
}

/** No advisory is larger. */
const LARGEST_ELEMENT = 32 * 1024 ** 2;
const [QUOTE, BACKSLASH, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d];

/**
 * The advisories of a file, one after the other, without ever having the whole file: elements of the list `vulnerabilities` of the NVD,
 * elements of a list, one object, or one object a line. A name that ends in `.gz` is unpacked.
 * @throws AdvisoriesUnreadable after the advisories that came before the damage
 */
export async function* jsonElements(file: string, signal: AbortSignal): AsyncGenerator {
  const raw = createReadStream(file, { signal, highWaterMark: 256 * 1024 });
  const bytes: Readable = file.endsWith('.gz') ? raw.pipe(createGunzip({ chunkSize: 256 * 1024 })) : raw;
  raw.on('error', (error) => bytes.destroy(error));
  try {
    yield* split(bytes);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof AdvisoriesUnreadable) throw error;
    throw new AdvisoriesUnreadable(error instanceof Error ? error.message : String(error));
  } finally {
    raw.destroy();
    bytes.destroy();
  }
}

async function* split(bytes: Readable): AsyncGenerator {
  let wanted: number | null = null;
  let [depth, inText, escaped] = [0, false, false];
  let pieces = null as Buffer[] | null;
  let size = 0;
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    wanted ??= depthOfElements(chunk);
    let start = pieces === null ? -1 : 0;
    for (let index = 0; index < chunk.length; index += 1) {
      const byte = chunk[index];
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inText = false;
      } else if (byte === QUOTE) {
        inText = true;
      } else if (byte === OPEN || byte === OPEN_LIST) {
        if (depth === wanted && byte === OPEN && pieces === null) {
          pieces = [];
          start = index;
          size = 0;
        }
        depth += 1;
      } else if (byte === CLOSE || byte === CLOSE_LIST) {
        depth -= 1;
        if (depth === wanted && pieces !== null) {
          pieces.push(chunk.subarray(start, index + 1));
          yield parse(Buffer.concat(pieces));
          pieces = null;
        }
      }
    }
    if (pieces === null) continue;
    pieces.push(chunk.subarray(start));
    size += chunk.length - start;
    if (size > LARGEST_ELEMENT) throw new AdvisoriesUnreadable('one entry is larger than 32 MiB');
  }
  if (wanted === null) throw new AdvisoriesUnreadable('it is empty');
  if (depth !== 0 || inText) throw new AdvisoriesUnreadable('it ends in the middle');
}

/** How deep within the file its advisories are. */
function depthOfElements(chunk: Buffer): number {
  const text = chunk.toString('utf8', 0, 4096).replace(/^\uFEFF/, '');
  if (/^\s*\[/.test(text)) return 1;
  if (!/^\s*\{/.test(text)) throw new AdvisoriesUnreadable('it is not JSON');
  return /^\s*\{[^[]*"vulnerabilities"\s*:\s*\[/.test(text) ? 2 : 0;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new AdvisoriesUnreadable('one entry is not JSON');
  }
}
