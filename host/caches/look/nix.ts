import { readPathInfo } from '../../../model/closure/path-info.js';
import { inBatches } from '../../../model/nix/batches.js';
import { nixErrorMessage } from '../../nix/error-message.js';
import { CacheFault } from '../fault.js';
import type { CacheHandler } from '../types.js';
import type { SeenPath } from '../narinfo.js';
import { cacheEnvironment, lookArguments } from '../nix-commands.js';

const TIMEOUT_MS = 10 * 60_000;

/** Nix asks, with nothing remembered. It tells of archives only that the cache names them. */
export const lookByNix: CacheHandler['look'] = async (cache, paths, { signal, nix, clientCache, ask }) => {
  const found = new Map<string, SeenPath>();
  const env = await cacheEnvironment(cache, clientCache);
  for (const wanted of inBatches(paths.map((info) => info.path))) {
    const asked = await ask(lookArguments(cache, wanted, nix), { env, signal, timeoutMs: TIMEOUT_MS });
    if (asked.exitCode !== 0) throw refusal(asked.stderr);
    for (const info of readPathInfo(asked.stdout))
      found.set(info.path, { ...info, storePath: info.path, narHash: info.narHash ?? '', hasArchive: true });
  }
  return found;
};

/** What ssh says, which Nix leaves out of its own message. */
const OF_SSH =
  /^.*(?:Permission denied|Host key verification failed|Connection refused|timed out|resolve hostname).*$/m;
const FOR_GOOD = /Permission denied|Host key verification failed|HTTP error 40[013]\b/;

function refusal(stderr: string): CacheFault {
  const said = OF_SSH.exec(stderr)?.[0].trim();
  const message = nixErrorMessage(stderr);
  const why = said === undefined || message.includes(said) ? message : `${message} (${said})`;
  return new CacheFault(why, !FOR_GOOD.test(why));
}
