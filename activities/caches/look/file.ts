import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheName } from '../../../model/caches/name.js';
import { storeHash } from '../../../model/nix/derivation-file.js';
import { exists } from '../../../host/files.js';
import { systemCode } from '../../../host/errors.js';
import { CacheFault } from '../fault.js';
import { parseNarInfo } from '../narinfo.js';
import { askEach } from './each.js';
import type { CacheLooker } from './types.js';

/** A folder is read as Nix lays it out. */
export const file: CacheLooker = {
  look: ({ to }, paths) => {
    const folder = folderOf(to);
    return askEach(
      paths,
      (info) => info.path,
      async (info) => {
        const found = parseNarInfo(await narInfoIn(folder, info.path));
        if (found === null) return null;
        const hasArchive = found.archive !== null && (await exists(path.join(folder, found.archive)));
        return { ...found, hasArchive };
      },
    );
  },
  forget: async ({ to }, paths) => {
    for (const info of paths) await rm(fileOf(folderOf(to), info.path), { force: true });
  },
};

const folderOf = (to: string): string => fileURLToPath(cacheName(to));
const fileOf = (folder: string, storePath: string): string => path.join(folder, `${storeHash(storePath)}.narinfo`);

const narInfoIn = (folder: string, storePath: string): Promise<string> =>
  readFile(fileOf(folder, storePath), 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return '';
    throw new CacheFault(`the cache ${folder} cannot be read (${systemCode(error) ?? 'unknown error'})`, false);
  });
