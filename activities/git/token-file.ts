import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ApplicationFailure } from '@temporalio/common';
import type { FailureType } from '../../model/failures.js';

const TYPE: FailureType = 'TokenFile';

const refuse = (file: string, why: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`The HTTPS token file ${JSON.stringify(file)} ${why}`, TYPE);

const reason = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist.' : 'cannot be read by the worker.';

/**
 * Makes sure that a token file can be used: a readable file with one line in it, which only its owner may read.
 * Throws a non-retryable `TokenFile` failure that names the file and the way out. Its content is never part of a message.
 */
export async function checkTokenFile(file: string): Promise<void> {
  const handle = await open(file, constants.O_RDONLY).catch((error: unknown) => {
    throw refuse(file, `${reason(error)} Write the token into it, readable by the worker's user alone (chmod 600).`);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw refuse(file, 'is not a regular file.');
    if ((found.mode & 0o077) !== 0) {
      const mode = (found.mode & 0o777).toString(8);
      throw refuse(file, `may be used by others than its owner (mode ${mode}). Run: chmod 600 on it.`);
    }
    const token = (await handle.readFile('utf8')).trim();
    if (token === '') throw refuse(file, 'is empty. Write the token into it.');
    if (/\s/.test(token)) throw refuse(file, 'holds more than one word. It should hold the token alone.');
  } finally {
    await handle.close();
  }
}
