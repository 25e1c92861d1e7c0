import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { rememberSecret } from './redact.js';
import { systemCode } from '../../host/errors.js';

const TOKEN_BYTES = 4096;
const GROUP_AND_OTHERS = 0o077;
const OTHERS = 0o007;

/** Why a token cannot be had, as the end of a sentence that names the file. Nothing of the file's content is in it. */
export class TokenFileFault extends Error {
  override readonly name = 'TokenFileFault';
}

/**
 * Reads a token from its file when it is used: one word, in a regular file that only its owner may use. From then on
 * the token is taken out of all that leaves this process. Throws `TokenFileFault`.
 */
export async function readTokenFile(file: string): Promise<string> {
  const token = (await readPrivateFile(file, TOKEN_BYTES)).trim();
  if (token === '') throw new TokenFileFault('is empty: write the token into it');
  // Also what an HTTP header can carry: fetch would quote the token in its complaint about any other.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new TokenFileFault('holds more than a token: put the token alone in it, on one line');
  }
  rememberSecret(token);
  return token;
}

/** Text of a regular file that only its owner may use. Throws `TokenFileFault`. */
export async function readPrivateFile(file: string, most: number): Promise<string> {
  // A pipe without a writer would be waited for without end.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw new TokenFileFault(openFault(error));
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new TokenFileFault('is not a regular file: name the file that holds the token');
    if ((found.mode & forbiddenBits(file)) !== 0) {
      const mode = (found.mode & 0o777).toString(8);
      throw new TokenFileFault(`may be used by others than its owner (mode ${mode}): run chmod 600 on it`);
    }
    if (found.size > most) throw new TokenFileFault('is too large for a token: put the token alone in it');
    return await handle.readFile('utf8');
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
  const code = systemCode(error) ?? 'unknown error';
  if (code === 'ENOENT') return 'does not exist: write the token into it (mode 600), or name another file';
  if (code === 'EACCES') return 'cannot be read by the worker: make it belong to the user that the worker runs as';
  return `cannot be read (${code})`;
}
