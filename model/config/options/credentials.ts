import { checkIncludedFile } from '../../checks/names.js';
import type { Transport } from '../../run/options.js';
import { maybe, readableFile, secretFile, text } from '../kinds.js';
import { option, type Values } from './types.js';

export const credentials = {
  sshKeyFile: option(maybe(secretFile), null, '"/run/secrets/deploy-key"', 'private key for ssh', {
    flag: '--ssh-key-file <file>',
  }),
  knownHostsFile: option(maybe(readableFile), null, '"/etc/ssh/ssh_known_hosts"', 'host keys for ssh', {
    flag: '--known-hosts-file <file>',
  }),
  httpsTokenFile: option(maybe(secretFile), null, '"/run/secrets/forge-token"', 'file with a token for HTTPS', {
    flag: '--https-token-file <file>',
  }),
  accessTokensFile: option(
    maybe({ ...text('an absolute path without spaces', checkIncludedFile), file: 'secret' }),
    null,
    '"/run/secrets/access-tokens"',
    'file with lines `access-tokens = HOST=TOKEN` of nix.conf(5), for private inputs and rate limits',
    { flag: '--access-tokens-file <file>' },
  ),
};

export const transportOf = ({ sshKeyFile, knownHostsFile, httpsTokenFile }: Values<typeof credentials>): Transport => ({
  sshKeyFile,
  knownHostsFile,
  httpsTokenFile,
});
