import { readPathInfo } from '../../../model/closure/path-info.js';
import { launch } from '../../command/launcher.js';
import { nixErrorMessage } from '../../nix/error-message.js';
import { cacheEnvironment, lookArguments } from '../copy-command.js';
import { CacheFault } from '../fault.js';
import type { SeenPath } from '../narinfo.js';
import type { CacheLooker } from './types.js';

/** Paths of one question: an argument list has a limit. */
const BATCH = 1000;
const TIMEOUT_MS = 10 * 60_000;

/** Nix asks, with nothing remembered. It tells of archives only that the cache names them. */
export const nixLooker: CacheLooker = {
  look: async (cache, paths, { signal, nix, clientCache }) => {
    const found = new Map<string, SeenPath>();
    const env = await cacheEnvironment(cache, clientCache);
    for (let first = 0; first < paths.length; first += BATCH) {
      const wanted = paths.slice(first, first + BATCH).map((info) => info.path);
      const asked = await launch('nix', lookArguments(cache, wanted, nix), {
        env,
        signal,
        timeoutMs: TIMEOUT_MS,
        background: true,
      });
      if (asked.exitCode !== 0) throw new CacheFault(nixErrorMessage(asked.stderr), true);
      for (const info of readPathInfo(asked.stdout))
        found.set(info.path, { ...info, storePath: info.path, narHash: info.narHash ?? '', hasArchive: true });
    }
    return found;
  },
};
