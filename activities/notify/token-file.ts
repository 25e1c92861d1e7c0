import { open } from 'node:fs/promises';
import path from 'node:path';
import { NotifierFault, systemCode } from './fault.js';

const TOKEN_BYTES = 4096;
const GROUP_AND_OTHERS = 0o077;
const OTHERS = 0o007;

/**
 * Reads a token from its file when it is used. Throws `NotifierFault` that names the file and the way out, never its content,
 * when the file is missing, empty, holds more than one word, or may be read by its group or others.
 */
export async function readToken(file: string): Promise<string> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new NotifierFault(`token file ${file} ${openFault(error)}`);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile())
      throw new NotifierFault(`token file ${file} is not a regular file: name the file that holds the token`);
    if ((stat.mode & forbiddenBits(file)) !== 0) {
      throw new NotifierFault(`token file ${file} may be read by others than its owner: run chmod 600 ${file}`);
    }
    if (stat.size > TOKEN_BYTES)
      throw new NotifierFault(`token file ${file} is too large for a token: put the token alone in it`);
    const token = (await handle.readFile('utf8')).trim();
    if (token === '') throw new NotifierFault(`token file ${file} is empty: write the token into it`);
    // Also what an HTTP header can carry: fetch would quote the token in its complaint about any other.
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new NotifierFault(`token file ${file} holds more than a token: put the token alone in it, on one line`);
    }
    return token;
  } finally {
    await handle.close();
  }
}

/**
 * systemd gives a service's credentials to its user by an access control list, whose mask shows as permissions of the
 * group: https://systemd.io/CREDENTIALS/
 */
function forbiddenBits(file: string): number {
  const folder = process.env.CREDENTIALS_DIRECTORY;
  return folder !== undefined && path.dirname(file) === path.resolve(folder) ? OTHERS : GROUP_AND_OTHERS;
}

function openFault(error: unknown): string {
  const errno = systemCode(error);
  if (errno === 'ENOENT') return 'does not exist: write the token into it (mode 600), or name another file';
  if (errno === 'EACCES') return 'cannot be read by this worker: make it belong to the user that the worker runs as';
  return `cannot be read (${errno})`;
}
