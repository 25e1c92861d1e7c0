import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import type { StateDirectory } from '../model/machine/state-directory.js';
import { systemCode } from './errors.js';
import { createWhole, makeFolder } from './files.js';

/** The secret that proves who may ask workers for anything; see host/payload-proof.ts. */
export interface RunKey {
  /** Tells keys apart; nothing of the key can be learnt from it. */
  readonly id: string;
  readonly secret: Buffer;
}

/** Why there is no key, as a sentence that names the file and the way out. Nothing of the file's content is in it. */
export class RunKeyFault extends Error {
  override readonly name = 'RunKeyFault';
}

/** Bytes of a key that is made here; it is written as hexadecimal digits. */
const KEY_BYTES = 32;
const LEAST_CHARACTERS = 32;
const MOST_BYTES = 4096;
const GROUP_AND_OTHERS = 0o077;
const OTHERS = 0o007;

/**
 * The key of a server elsewhere, from a file of the owner's: a line of at least 32 characters that only its owner may read.
 * @throws RunKeyFault
 */
export async function readRunKey(file: string): Promise<RunKey> {
  const refuse = (why: string): RunKeyFault => new RunKeyFault(`the run key ${file} ${why}`);
  // A pipe without a writer would be waited for without end.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw refuse(openFault(error));
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw refuse('is not a regular file: name the file that holds the key');
    if ((found.mode & forbiddenBits(file)) !== 0)
      throw refuse(
        `may be used by others than its owner (mode ${(found.mode & 0o777).toString(8)}): run chmod 600 on it, and make a new key if somebody may have read it`,
      );
    if (found.size > MOST_BYTES) throw refuse('is too large for a key: put the key alone in it');
    const text = (await handle.readFile('utf8')).trim();
    if (text === '') throw refuse('is empty: write a key into it, for example with "openssl rand -hex 32"');
    if (text.length < LEAST_CHARACTERS)
      throw refuse(
        `is too short (${text.length} characters): it takes at least ${LEAST_CHARACTERS}, for example of "openssl rand -hex 32"`,
      );
    return runKey(text);
  } finally {
    await handle.close();
  }
}

function runKey(text: string): RunKey {
  const secret = createHash('sha256').update(`lockkeeper run key\n${text}`).digest();
  const id = createHash('sha256').update('lockkeeper run key id\n').update(secret).digest('hex').slice(0, 8);
  return { id, secret };
}

/**
 * The key of the embedded server, in the state directory; made when there is none. Two processes at once get the same one, and it is
 * on the disk before anybody uses it.
 * @throws RunKeyFault, or the system's error when it cannot be made
 */
export async function ownRunKey({ runKey: file, beforeKey, serverDatabase }: StateDirectory): Promise<RunKey> {
  if (!(await isThere(file))) {
    await makeFolder(path.dirname(file));
    // A new server has nothing that was there before the key: see workers/before-key.ts.
    if (!(await isThere(serverDatabase))) await createWhole(beforeKey, '[]\n', { synced: true });
    await createWhole(file, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { synced: true });
  }
  return await readRunKey(file);
}

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    (error: unknown) => {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    },
  );

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
  if (code === 'ENOENT') return 'does not exist: make it (mode 600) with "openssl rand -hex 32", or name another file';
  if (code === 'EACCES') return 'cannot be read: make it belong to the user that runs this';
  return `cannot be read (${code})`;
}
