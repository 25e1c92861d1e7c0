import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { ApplicationFailure } from '@temporalio/common';
import { finalFailure } from '../../model/run/failures.js';
import { gitEnvironment, type ConfigEntry, type Environment } from '../../model/git/environment.js';
import { readSettings, settingsWithout, TRANSPORT_SETTINGS } from '../../model/git/remotes.js';
import type { Repository, Transport } from '../../model/run/options.js';
import { shellQuote } from '../../model/text/text.js';
import { rememberPassword } from '../secrets/redact.js';
import { readTokenFile, TokenFileFault } from '../secrets/token-file.js';
import { rememberConfigSecrets } from './config-secrets.js';
import { isDirectory, openPersonsGit, type Git } from './git.js';
import { openNetworkGit } from './network-git.js';

/** `bin/` is beside `dist/` in a checkout and in an installed package. */
const ASKPASS = fileURLToPath(new URL('../../../bin/lockkeeper-askpass', import.meta.url));

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

const badFile = (option: string, file: string, why: string): ApplicationFailure =>
  finalFailure('BadOptions', `${option} names ${JSON.stringify(file)}, which ${why}.`);

async function checkReadable(option: string, file: string): Promise<void> {
  // eslint-disable-next-line no-control-regex -- neither ssh's option syntax nor a shell can quote them safely
  if (/["\x00-\x1f]/.test(file)) throw badFile(option, file, 'holds a quote or a control character');
  await access(file, constants.R_OK).catch(() => {
    throw badFile(option, file, 'does not exist or cannot be read by the worker');
  });
}

/**
 * The SSH command for named files. It takes the place of the person's `core.sshCommand`, as a file that is named for
 * one run comes before what is set for all; `~/.ssh/config` is still read. ssh_config(5) has the quoting of `-o`.
 */
export async function sshCommand(transport: Transport): Promise<string> {
  const options = ['-o', 'BatchMode=yes'];
  if (transport.sshKeyFile !== null) {
    await checkReadable('--ssh-key-file', transport.sshKeyFile);
    options.push('-i', transport.sshKeyFile, '-o', 'IdentitiesOnly=yes');
  }
  if (transport.knownHostsFile !== null) {
    await checkReadable('--known-hosts-file', transport.knownHostsFile);
    const file = transport.knownHostsFile.replaceAll('%', '%%');
    options.push('-o', `UserKnownHostsFile="${file}"`, '-o', 'StrictHostKeyChecking=yes');
  }
  return ['ssh', ...options].map(shellQuote).join(' ');
}

async function sshVariables(transport: Transport, config: readonly ConfigEntry[]): Promise<Environment> {
  const named = transport.sshKeyFile !== null || transport.knownHostsFile !== null;
  const own =
    process.env.GIT_SSH_COMMAND !== undefined ||
    process.env.GIT_SSH !== undefined ||
    config.some(([key]) => key === 'core.sshcommand');
  return named || !own ? { GIT_SSH_COMMAND: await sshCommand(transport) } : {};
}

/** Name that `bin/lockkeeper-askpass` gives for the user of a token. */
const TOKEN_USER = 'x-access-token';

async function tokenOf(file: string): Promise<string> {
  try {
    return await readTokenFile(file);
  } catch (error) {
    if (!(error instanceof TokenFileFault)) throw error;
    throw finalFailure('TokenFile', `The HTTPS token file ${JSON.stringify(file)} ${error.message}.`);
  }
}

/**
 * Git in `directory`, with `REMOTE` being the repository's remote, reached as its owner reaches it: SSH configuration
 * and agent, `insteadOf`, proxies and certificates of this machine and of the owner's checkout, where it is here.
 * Throws non-retryable failures for files of the run's options that cannot be used (`TokenFile`, `BadOptions`).
 */
export async function openRemoteGit(directory: string, repository: Repository): Promise<Git> {
  const { checkout, transport, url } = repository;
  const everywhere = await transportConfig(directory);
  const hasCheckout = checkout !== null && (await isDirectory(checkout));
  const ofCheckout = hasCheckout ? settingsWithout(await transportConfig(checkout), everywhere) : [];
  const config = [...everywhere, ...ofCheckout];
  rememberConfigSecrets(config);
  const ssh = await sshVariables(transport, config);
  const remote: ConfigEntry[] = [...ofCheckout, [`remote.${REMOTE}.url`, url]];
  if (transport.httpsTokenFile === null) return openNetworkGit(directory, gitEnvironment(process.env, remote, ssh));

  rememberPassword(TOKEN_USER, await tokenOf(transport.httpsTokenFile));
  return openNetworkGit(
    directory,
    // An empty helper forgets those before it: a stored password must not win over the token that was asked for.
    gitEnvironment(process.env, [...remote, ['credential.helper', '']], {
      ...ssh,
      GIT_ASKPASS: ASKPASS,
      LOCKKEEPER_TOKEN_FILE: transport.httpsTokenFile,
    }),
  );
}
