import type { ApplicationFailure } from '@temporalio/common';
import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { MachineActivities } from '../../model/contract/activities.js';
import { finalFailure } from '../../model/run/failures.js';
import type { ActivityEnvironment } from '../environment.js';

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
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, start);
      const whole = buffer.subarray(0, wholeCharacters(buffer.subarray(0, bytesRead)));
      return { text: whole.toString('utf8'), nextOffset: start + whole.length, size };
    } finally {
      await handle.close();
    }
  };

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
