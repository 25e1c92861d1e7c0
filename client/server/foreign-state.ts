import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { StateDirectory } from '../../model/machine/state-directory.js';
import { systemCode } from '../../host/errors.js';
import { CommandError } from '../errors.js';

/** Refuses a state directory that this account may not read: it would look empty. @throws CommandError */
export async function refuseUnreadable(state: StateDirectory): Promise<void> {
  const files = [state.serverDatabase, state.serverRecord];
  if (!(await Promise.all(files.map(isForbidden))).includes(true)) return;
  const owner = await ownerOf(state.root);
  throw new CommandError(
    `This user may not read the state directory ${state.root}, which belongs to ${owner.name}: run this as that user ` +
      `(sudo -u ${owner.word} lockkeeper …), or name another folder with --state-dir or $LOCKKEEPER_STATE_DIR.`,
  );
}

const isForbidden = (file: string): Promise<boolean> =>
  access(file, constants.R_OK).then(
    () => false,
    (error: unknown) => systemCode(error) === 'EACCES',
  );

/** Whose a path is, or the folder above it that hides it: for people, and as sudo takes it. */
export async function ownerOf(file: string): Promise<{ readonly name: string; readonly word: string }> {
  const found = await stat(file).catch(() => null);
  if (found === null) return ownerOf(dirname(file));
  const accounts = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  const name = accounts.find(([, , uid]) => uid === String(found.uid))?.[0];
  return name === undefined ? { name: `user ${found.uid}`, word: `'#${found.uid}'` } : { name, word: name };
}
