import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheAddress } from '../../../model/caches/name.js';
import { storeHash } from '../../../model/nix/derivation-file.js';
import { systemCode } from '../../errors.js';
import { CacheFault } from '../fault.js';
import { seenOn } from '../look/seen.js';
import { parseNarInfo } from '../narinfo.js';
import { signedByNix } from '../nix-commands.js';
import type { CacheHandler } from '../types.js';

/** A folder is read as Nix lays it out. */
export const file: CacheHandler = {
  ...signedByNix,
  look: ({ to }, paths) => {
    const folder = folderOf(to);
    return seenOn(
      {
        narInfo: (storePath) => narInfoIn(folder, storePath),
        archiveBytes: (archive) => bytesOf(path.join(folder, archive)),
      },
      paths,
    );
  },
  forget: async ({ to }, paths) => {
    const folder = folderOf(to);
    for (const info of paths) {
      const { archive = null } = parseNarInfo((await narInfoIn(folder, info.path)) ?? '') ?? {};
      // First: Nix would not replace it.
      if (archive !== null) await rm(path.join(folder, archive), { force: true });
      await rm(fileOf(folder, info.path), { force: true });
    }
  },
};

const folderOf = (to: string): string => fileURLToPath(cacheAddress(to));
const fileOf = (folder: string, storePath: string): string => path.join(folder, `${storeHash(storePath)}.narinfo`);

const bytesOf = (file: string): Promise<number | null> =>
  stat(file).then(
    ({ size }) => size,
    () => null,
  );

const narInfoIn = (folder: string, storePath: string): Promise<string | null> =>
  readFile(fileOf(folder, storePath), 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw new CacheFault(`the cache ${folder} cannot be read (${systemCode(error) ?? 'unknown error'})`, false);
  });
