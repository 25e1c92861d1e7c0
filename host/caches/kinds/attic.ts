import path from 'node:path';
import { stringify } from 'smol-toml';
import { cacheAddress } from '../../../model/caches/name.js';
import { makeFolder, writeWhole } from '../../files.js';
import { mentionedPath } from '../copied.js';
import { lookOver } from '../look/over-http.js';
import { cacheEnvironment } from '../nix-commands.js';
import { tokenOf } from '../secrets.js';
import { tokenHeader } from '../token-header.js';
import type { CacheHandler } from '../types.js';

const SERVER = 'lockkeeper';

/** `attic push`, which uploads what neither the server nor the upstream caches that it names have of closures. */
export const attic: CacheHandler = {
  copied: mentionedPath,
  look: async ({ to, tokenFile }, paths, { signal }) =>
    await lookOver(webAddress(to), paths, { headers: await tokenHeader(tokenFile), signal }),
  upload: async (cache, storePaths, { clientCache }) => {
    const [endpoint, name] = splitLast(webAddress(cache.to));
    const { tokenFile = '' } = cache;
    // Read to be checked, and to be left out of messages: attic reads the file itself.
    await tokenOf(tokenFile);
    const env = await cacheEnvironment(cache, clientCache);
    await makeFolder(path.join(clientCache, 'attic'));
    const settings = { servers: { [SERVER]: { endpoint: `${endpoint}/`, 'token-file': tokenFile } } };
    await writeWhole(path.join(clientCache, 'attic', 'config.toml'), stringify(settings));
    return {
      command: ['attic', 'push', `${SERVER}:${name}`, ...storePaths],
      env: { ...env, XDG_CONFIG_HOME: clientCache },
    };
  },
};

const webAddress = (to: string): string => cacheAddress(to).slice('attic+'.length);

function splitLast(address: string): readonly [before: string, last: string] {
  const mark = address.lastIndexOf('/');
  return [address.slice(0, mark), address.slice(mark + 1)];
}
