import { chmod } from 'node:fs/promises';
import type { Cache } from '../../model/caches/types.js';
import { optionPairs, PATIENCE } from '../../model/nix/options.js';
import { atLeast, type NixVersion } from '../../model/nix/version.js';
import type { NixSettings } from '../../model/run/options.js';
import { makeFolder } from '../files.js';
import { nixEnvironment, withoutTokens } from '../nix/environment.js';
import { rememberSecret } from '../secrets/redact.js';
import { copiedByNix } from './copied.js';
import type { CacheCommand, CacheHandler } from './types.js';
import { secretOf } from './secrets.js';

const NIX = ['--extra-experimental-features', 'nix-command'] as const;

/** A value in an address: Nix decodes it. */
const encoded = (value: string): string => encodeURIComponent(value).replaceAll('%2F', '/');

/** The address of a cache with all that Nix is to know of it; of secrets only the files are named. */
function storeUrl({ to, secretKeyFile, compression, sshKeyFile }: Cache): string {
  const parameters = Object.entries({ 'secret-key': secretKeyFile, compression, 'ssh-key': sshKeyFile }).flatMap(
    ([name, value]) => (value === undefined ? [] : [`${name}=${encoded(value)}`]),
  );
  return parameters.length === 0 ? to : `${to}${to.includes('?') ? '&' : '?'}${parameters.join('&')}`;
}

const settingsFor = ({ netrcFile }: Cache, nix: NixSettings): string[] =>
  optionPairs([PATIENCE, ...nix.options, ...(netrcFile === undefined ? [] : [['netrc-file', netrcFile] as const])]);

/**
 * Older versions send nothing when they send it again: 2.8 waits for ever then, 2.26 was seen to fail soon. What is tried again
 * is the whole command, which goes on where it ended.
 */
const onceOnOlder = (version: NixVersion): string[] =>
  atLeast(version, 2, 26) ? [] : optionPairs([['download-attempts', '1']]);

/** @param words more arguments of `nix copy` */
const copying =
  (...words: readonly string[]): CacheHandler['upload'] =>
  async (cache, storePaths, { nix, version, clientCache }): Promise<CacheCommand> => ({
    command: [
      ...['nix', 'copy', ...NIX, ...settingsFor(cache, nix), ...onceOnOlder(version), '--log-format', 'raw', ...words],
      ...['--to', storeUrl(cache), '--', ...storePaths],
    ],
    env: await cacheEnvironment(cache, clientCache),
  });

/**
 * The store of another machine. What was built here is not signed, and its daemon would refuse it from whom it trusts, too, if it were asked
 * to look at signatures; from others it takes nothing unsigned all the same.
 */
export const filledByNix = {
  copied: copiedByNix,
  upload: copying('--no-check-sigs'),
} satisfies Partial<CacheHandler>;

/** A binary cache: `nix copy` signs what it copies, and signatures can be added. */
export const signedByNix = {
  copied: copiedByNix,
  upload: copying(),
  sign: async (cache, storePaths, { nix, version, clientCache }): Promise<CacheCommand> => ({
    command: [
      ...['nix', 'store', 'sign', ...NIX, ...settingsFor(cache, nix), ...onceOnOlder(version), '--log-format', 'raw'],
      ...['--store', storeUrl(cache), '--key-file', cache.secretKeyFile ?? '', '--recursive', '--', ...storePaths],
    ],
    env: await cacheEnvironment(cache, clientCache),
  }),
} satisfies Partial<CacheHandler>;

/** Arguments of `nix` that print what a cache knows of paths. Nothing is fetched. */
export const lookArguments = (cache: Cache, storePaths: readonly string[], nix: NixSettings): string[] => [
  ...['path-info', ...NIX, ...settingsFor(cache, nix), ...optionPairs([['substitute', 'false']])],
  ...['--json', '--store', storeUrl(cache), '--', ...storePaths],
];

const CREDENTIALS = { noun: 'access key', toMake: 'write it as "aws configure" does', most: 64 * 1024 };

/** Where the library of AWS looks for access keys before and after the file that it is given. */
const NO_OTHER_KEYS = {
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** A machine that has left the network is noticed, and nobody is asked for a password: ssh_config(5). */
const SSH_OPTIONS = '-o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15 -o ServerAliveCountMax=4';

/**
 * Environment of a command that uses a cache.
 * @param clientCache folder for what a client remembers of caches: with its own, Nix would believe that what once was there still is
 * @throws CacheFault when a file of secrets cannot be used
 */
export async function cacheEnvironment(
  { credentialsFile }: Cache,
  clientCache: string,
): Promise<Record<string, string | undefined>> {
  await makeFolder(clientCache);
  await chmod(clientCache, 0o700);
  const env = {
    ...withoutTokens(nixEnvironment()),
    XDG_CACHE_HOME: clientCache,
    NIX_CACHE_HOME: undefined,
    NIX_SSHOPTS: `${process.env.NIX_SSHOPTS ?? ''} ${SSH_OPTIONS}`.trim(),
  };
  if (credentialsFile === undefined) return env;
  const text = await secretOf('the file of credentials', credentialsFile, CREDENTIALS);
  for (const [, secret = ''] of text.matchAll(/^\s*aws_(?:secret_access_key|session_token)\s*=\s*(\S+)/gim))
    rememberSecret(secret);
  return { ...env, ...NO_OTHER_KEYS, AWS_SHARED_CREDENTIALS_FILE: credentialsFile };
}
