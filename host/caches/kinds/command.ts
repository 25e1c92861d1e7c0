import { fileURLToPath } from 'node:url';
import { cacheAddress } from '../../../model/caches/name.js';
import { mentionedPath } from '../copied.js';
import { lookOver } from '../look/over-http.js';
import { cacheEnvironment } from '../nix-commands.js';
import { tokenOf } from '../secrets.js';
import type { CacheHandler } from '../types.js';

/** A program that is given the paths whose closures it is to upload, and the name of the file with its token. */
export const command: CacheHandler = {
  copied: mentionedPath,
  look: ({ readUrl = '' }, paths, { signal }) => lookOver(cacheAddress(readUrl), paths, { headers: {}, signal }),
  upload: async (cache, storePaths, { clientCache }) => {
    const { to, tokenFile } = cache;
    if (tokenFile !== undefined) await tokenOf(tokenFile);
    return {
      command: [fileURLToPath(cacheAddress(to).replace(/^command:/, 'file:')), ...storePaths],
      env: {
        ...(await cacheEnvironment(cache, clientCache)),
        ...(tokenFile !== undefined && { LOCKKEEPER_TOKEN_FILE: tokenFile }),
      },
    };
  },
};
