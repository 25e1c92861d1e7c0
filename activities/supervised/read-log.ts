import type { ApplicationFailure } from '@temporalio/common';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { leftOutLine, readAt, readPiece } from '../../host/command-log.js';
import type { MachineActivities } from '../../model/contract/activities.js';
import { finalFailure } from '../../model/run/failures.js';
import type { ActivityEnvironment } from '../environment.js';
import { longestSecret, partWithoutSecrets, secretBegins } from '../../host/secrets/redact.js';

/** Half of what one payload may hold, for JSON spells control characters out. */
const SLICE_BYTES = 512 * 1024;

/**
 * Makes the activity that reads a slice of a log. Control characters stay: whoever shows the text takes them out. A slice
 * ends between two characters; `nextOffset` says where, in bytes.
 * @throws `LogUnavailable` for a log that is not there (any more), or a path outside the folder of builds
 */
export const createReadLog =
  (env: ActivityEnvironment): MachineActivities['readLog'] =>
  async ({ logPath, offset, limit }) => {
    const file = await insideBuilds(env, logPath);
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const start = Math.min(Math.max(0, Math.trunc(offset)), size);
      const length = Math.min(Math.max(0, Math.trunc(limit)), SLICE_BYTES, size - start);
      const { bytes, nextOffset, leftOut } = await readPiece(file, handle, start, length);
      if (leftOut > 0) return { text: leftOutLine(leftOut), nextOffset, size };
      const slice = await withoutSplitSecrets(handle, start, bytes.subarray(0, wholeCharacters(bytes)));
      return { text: slice.text, nextOffset: slice.end, size };
    } finally {
      await handle.close();
    }
  };

/** A slice without secrets, also those that its borders cut. One that is perhaps being written is for the next slice. */
async function withoutSplitSecrets(
  handle: FileHandle,
  start: number,
  bytes: Buffer,
): Promise<{ readonly text: string; readonly end: number }> {
  const longest = longestSecret();
  const before = await readAt(handle, Math.max(0, start - longest), Math.min(start, longest));
  const behind = await readAt(handle, start + bytes.length, longest);
  const unfinished = behind.length === 0 ? secretBegins(bytes) : 0;
  const slice = bytes.subarray(0, bytes.length - unfinished);
  const clean = partWithoutSecrets(Buffer.concat([before, bytes, behind]), before.length, before.length + slice.length);
  return { text: clean.toString('utf8'), end: start + slice.length };
}

/** Resolves links on both sides, so that neither `..` nor a link in a build's folder leads out of it. */
async function insideBuilds(env: ActivityEnvironment, logPath: string): Promise<string> {
  const file = await realpath(logPath).catch(() => null);
  const builds = await realpath(env.state.builds).catch(() => null);
  if (file === null || builds === null) throw unavailable(`there is no log at ${logPath} on ${env.hostName}`);
  if (!file.startsWith(builds + path.sep)) throw unavailable(`${logPath} is not a build's log`);
  return file;
}

const unavailable = (why: string): ApplicationFailure =>
  finalFailure('LogUnavailable', `The log cannot be read: ${why}.`);

/** Bytes up to the last character that is complete; all of them when there is nothing but an incomplete one. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return needed > back && back < bytes.length ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
