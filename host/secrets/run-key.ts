import { createHash, randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { systemCode } from '../errors.js';
import { createWhole, makeFolder } from '../files.js';
import { PrivateFileFault, readPrivateFile } from './private-file.js';

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
const KEY = { noun: 'key', toMake: 'make it with "openssl rand -hex 32"', most: 4096 };

/** The key of a server elsewhere: a line of 32 characters or more in its owner's private file. @throws RunKeyFault */
export async function readRunKey(file: string): Promise<RunKey> {
  const refuse = (why: string): RunKeyFault => new RunKeyFault(`the run key ${file} ${why}`);
  const text = await readPrivateFile(file, KEY).catch((error: unknown) => {
    throw error instanceof PrivateFileFault ? refuse(error.message) : error;
  });
  const key = text.trim();
  if (key === '') throw refuse('is empty: write a key into it, for example with "openssl rand -hex 32"');
  if (key.length < LEAST_CHARACTERS)
    throw refuse(
      `is too short (${key.length} characters): it takes at least ${LEAST_CHARACTERS}, for example of "openssl rand -hex 32"`,
    );
  return runKey(key);
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
