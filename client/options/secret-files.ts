import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemCode } from '../../host/errors.js';
import { CommandError } from '../errors.js';

/** Checks a file with a secret: there, readable by us, and by nobody else. Gives its absolute path. */
export async function checkSecretFile(path: string, option: string): Promise<string> {
  const absolute = await checkReadableFile(path, option);
  const { mode } = await stat(absolute);
  if ((mode & 0o077) !== 0) {
    throw new CommandError(
      `${option} ${absolute} may be read by others (mode ${(mode & 0o777).toString(8)}): ` +
        `make it private with "chmod 600 ${absolute}".`,
    );
  }
  return absolute;
}

/** Checks that a file is there and readable. Gives its absolute path. */
export async function checkReadableFile(path: string, option: string): Promise<string> {
  const absolute = resolve(path);
  try {
    const found = await stat(absolute);
    if (!found.isFile()) throw new CommandError(`${option} ${absolute} is not a file.`);
    await access(absolute, constants.R_OK);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : 'may not be read by this user';
    throw new CommandError(`${option} ${absolute} ${why}.`);
  }
  return absolute;
}
