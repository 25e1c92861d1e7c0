import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../../host/errors.js';
import { othersMayUse } from '../../host/secrets/private-file.js';
import { secretFilesOfCache } from '../../model/caches/secret-files.js';
import type { Kind } from '../../model/config/kinds.js';
import { INSTANCE_OPTIONS, type InstanceOptions } from '../../model/config/options/index.js';
import { everyOption, valueOf } from '../../model/config/options/types.js';
import { CommandError } from '../errors.js';

export interface NamedFile {
  readonly option: string;
  readonly use: NonNullable<Kind<unknown>['file']>;
  /** Absolute. */
  readonly path: string;
}

/** The files of an instance, but for those that it has no use for. */
export const namedFiles = (options: InstanceOptions): readonly NamedFile[] => [
  ...everyOption(INSTANCE_OPTIONS).flatMap(([option, { kind, needs = [] }]) => {
    const path = valueOf(options, option);
    const isIdle = needs.some((each) => [null, false].includes(valueOf(options, each) as null));
    return kind.file === undefined || isIdle || typeof path !== 'string' ? [] : [{ option, use: kind.file, path }];
  }),
  ...options.caches.flatMap(secretFilesOfCache).map((path): NamedFile => ({ option: 'caches', use: 'secret', path })),
];

/**
 * Checks a file before it is used: one that is read is there and readable by us, a secret by nobody else; one that is written has a
 * folder.
 * @param place what names it, for messages
 */
export async function checkNamedFile({ use, path }: NamedFile, place: string): Promise<void> {
  if (use === 'written') {
    const folder = await stat(dirname(path)).catch(() => null);
    if (folder?.isDirectory() === true) return;
    throw new CommandError(`${place} ${path}: its folder does not exist. Make it first.`);
  }
  const mode = await readableMode(path, place);
  if (use === 'secret' && othersMayUse(path, mode)) {
    throw new CommandError(
      `${place} ${path} may be read by others (mode ${(mode & 0o777).toString(8)}): ` +
        `make it private with "chmod 600 ${path}".`,
    );
  }
}

async function readableMode(path: string, place: string): Promise<number> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw new CommandError(`${place} ${path} is not a file.`);
    await access(path, constants.R_OK);
    return found.mode;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const why = systemCode(error) === 'ENOENT' ? 'does not exist' : 'may not be read by this user';
    throw new CommandError(`${place} ${path} ${why}.`);
  }
}
