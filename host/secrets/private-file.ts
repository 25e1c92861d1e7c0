import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { systemCode } from '../errors.js';

/** Why a private file cannot be used, as the end of a sentence that names it. Nothing of the file's content is in it. */
export class PrivateFileFault extends Error {
  override readonly name = 'PrivateFileFault';
}

export interface PrivateContent {
  /** `token` or `key`. */
  readonly noun: string;
  /** Such as `write the token into it`. */
  readonly toMake: string;
  /** Most bytes of it. */
  readonly most: number;
}

/** Text of a regular file that only its owner may use. @throws PrivateFileFault */
export async function readPrivateFile(file: string, { noun, toMake, most }: PrivateContent): Promise<string> {
  // A pipe without a writer would be waited for without end.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw new PrivateFileFault(openFault(error, toMake));
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new PrivateFileFault(`is not a regular file: name the file that holds the ${noun}`);
    if (othersMayUse(file, found.mode))
      throw new PrivateFileFault(
        `may be used by others than its owner (mode ${(found.mode & 0o777).toString(8)}): run chmod 600 on it, and use another ${noun} if somebody may have read it`,
      );
    if (found.size > most) throw new PrivateFileFault(`is too large for a ${noun}: put the ${noun} alone in it`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

const GROUP_AND_OTHERS = 0o077;
const OTHERS = 0o007;

/**
 * Whether others than its owner may use a file. systemd gives a service's credentials to its user by an access control list, whose mask
 * shows as permissions of the group: https://systemd.io/CREDENTIALS/
 */
export function othersMayUse(file: string, mode: number): boolean {
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  const isCredential = credentials !== undefined && path.dirname(file) === path.resolve(credentials);
  return (mode & (isCredential ? OTHERS : GROUP_AND_OTHERS)) !== 0;
}

function openFault(error: unknown, toMake: string): string {
  const code = systemCode(error) ?? 'unknown error';
  if (code === 'ENOENT') return `does not exist: ${toMake} (mode 600), or name another file`;
  if (code === 'EACCES') return 'cannot be read: make it belong to the user that this process runs as';
  return `cannot be read (${code})`;
}
