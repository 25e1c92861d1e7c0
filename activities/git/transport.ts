import { AccessFault, checkAccess, gitAccess, type GitAccess } from '../../host/git-access.js';
import { finalFailure } from '../../model/run/failures.js';
import { gitEnvironment, type ConfigEntry } from '../../model/git/environment.js';
import { readSettings, settingsWithout, TRANSPORT_SETTINGS } from '../../model/git/remotes.js';
import type { FetchLimits } from '../../model/machine/fetch-limits.js';
import type { Repository, Transport } from '../../model/run/options.js';
import { rememberConfigSecrets } from './config-secrets.js';
import { isDirectory, openPersonsGit, type Git } from './git.js';
import { openNetworkGit } from './network-git.js';

/**
 * Name under which commands know the repository's URL, so that it is in no argument: it may hold a password. Nobody has
 * settings for a remote of this name, as people have for `origin`.
 */
export const REMOTE = 'lockkeeper';

/**
 * The transport settings as Git sees them in a folder: system, global (with conditional includes, by which people choose
 * a key for a folder) and local ones, in Git's order.
 */
async function transportConfig(directory: string): Promise<readonly ConfigEntry[]> {
  const result = await openPersonsGit(directory).attempt(['config', '--null', '--get-regexp', TRANSPORT_SETTINGS]);
  return readSettings(result.stdout);
}

/** The credentials of a run, beside what the person has set; faults of their files are failures that no retry cures. */
async function accessTo(transport: Transport, config: readonly ConfigEntry[]): Promise<GitAccess> {
  const { GIT_SSH_COMMAND: command, GIT_SSH: program } = process.env;
  const ownSsh = command !== undefined || program !== undefined || config.some(([key]) => key === 'core.sshcommand');
  try {
    await checkAccess(transport);
  } catch (error) {
    throw error instanceof AccessFault ? finalFailure(error.type, error.message) : error;
  }
  return gitAccess(transport, ownSsh);
}

/**
 * Git in `directory`, with `REMOTE` being the repository's remote, reached as its owner reaches it: SSH configuration
 * and agent, `insteadOf`, proxies and certificates of this machine and of the owner's checkout, where it is here.
 * Throws non-retryable failures for files of the run's options that cannot be used (`TokenFile`, `BadOptions`).
 */
export async function openRemoteGit(
  directory: string,
  repository: Pick<Repository, 'checkout' | 'transport' | 'url'>,
  narrower: Partial<FetchLimits> = {},
): Promise<Git> {
  const { checkout, transport, url } = repository;
  const [everywhere, there] = await Promise.all([
    transportConfig(directory),
    checkout !== null && (await isDirectory(checkout)) ? transportConfig(checkout) : [],
  ]);
  const ofCheckout = settingsWithout(there, everywhere);
  const config = [...everywhere, ...ofCheckout];
  rememberConfigSecrets(config);
  const access = await accessTo(transport, config);
  const settings: ConfigEntry[] = [...ofCheckout, [`remote.${REMOTE}.url`, url], ...access.config];
  return openNetworkGit(directory, gitEnvironment(process.env, settings, access.variables), narrower);
}
