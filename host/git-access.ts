import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { ConfigEntry } from '../model/git/environment.js';
import type { Transport } from '../model/run/options.js';
import { shellQuote } from '../model/text/text.js';
import { HostFault } from './errors.js';
import { installed } from './installation.js';
import { PrivateFileFault } from './secrets/private-file.js';
import { rememberPassword } from './secrets/redact.js';
import { readTokenFile } from './secrets/token-file.js';

/** What gives Git the credentials of a run: settings above the person's own, and variables. */
export interface GitAccess {
  readonly config: readonly ConfigEntry[];
  readonly variables: Readonly<Record<string, string>>;
}

/** A file of a run's credentials cannot be used. */
export class AccessFault extends HostFault {
  override readonly name = 'AccessFault';

  /** @param type of the failure that an activity makes of it */
  constructor(
    readonly type: 'BadOptions' | 'TokenFile',
    message: string,
  ) {
    super(message);
  }
}

/** Prints user name and token when Git asks for them: the token is in no argument and no environment. */
const ASKPASS = installed('bin/lockkeeper-askpass');
/** Name that it gives for the user of a token. */
const TOKEN_USER = 'x-access-token';

/**
 * The credentials that a run names: files for ssh, a token for HTTPS.
 * @param ownSsh whether the person has chosen an SSH command: only a file that is named for the run comes before it. A command need not
 *   look: its ssh has no terminal to ask at
 */
export function gitAccess(transport: Transport, ownSsh = true): GitAccess {
  const { sshKeyFile, knownHostsFile, httpsTokenFile } = transport;
  const namesFiles = sshKeyFile !== null || knownHostsFile !== null;
  const ssh = namesFiles || !ownSsh ? { GIT_SSH_COMMAND: sshCommand(transport) } : {};
  if (httpsTokenFile === null) return { config: [], variables: ssh };
  return {
    // An empty helper forgets those before it: a stored password must not win over the token that was asked for.
    config: [['credential.helper', '']],
    variables: { ...ssh, GIT_ASKPASS: ASKPASS, LOCKKEEPER_TOKEN_FILE: httpsTokenFile },
  };
}

/** Checks that the files can be used; the token is taken out of all output from then on. @throws AccessFault */
export async function checkAccess({ sshKeyFile, knownHostsFile, httpsTokenFile }: Transport): Promise<void> {
  if (sshKeyFile !== null) await checkReadable('--ssh-key-file', sshKeyFile);
  if (knownHostsFile !== null) await checkReadable('--known-hosts-file', knownHostsFile);
  if (httpsTokenFile !== null) rememberPassword(TOKEN_USER, await tokenOf(httpsTokenFile));
}

/** Replaces the person's `core.sshCommand`; `~/.ssh/config` is still read. Quoting of `-o`: ssh_config(5). */
const sshCommand = ({ sshKeyFile, knownHostsFile }: Transport): string =>
  [
    'ssh',
    '-o',
    'BatchMode=yes',
    ...(sshKeyFile === null ? [] : ['-i', sshKeyFile, '-o', 'IdentitiesOnly=yes']),
    ...(knownHostsFile === null
      ? []
      : ['-o', `UserKnownHostsFile="${knownHostsFile.replaceAll('%', '%%')}"`, '-o', 'StrictHostKeyChecking=yes']),
  ]
    .map(shellQuote)
    .join(' ');

async function tokenOf(file: string): Promise<string> {
  try {
    return await readTokenFile(file);
  } catch (error) {
    if (!(error instanceof PrivateFileFault)) throw error;
    throw new AccessFault('TokenFile', `The HTTPS token file ${JSON.stringify(file)} ${error.message}.`);
  }
}

async function checkReadable(option: string, file: string): Promise<void> {
  const fault = (why: string): AccessFault =>
    new AccessFault('BadOptions', `${option} names ${JSON.stringify(file)}, which ${why}.`);
  // eslint-disable-next-line no-control-regex -- neither ssh's option syntax nor a shell can quote them safely
  if (/["\x00-\x1f]/.test(file)) throw fault('holds a quote or a control character');
  await access(file, constants.R_OK).catch(() => {
    throw fault('does not exist or cannot be read');
  });
}
