import { lstat, readFile, readlink, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { exists } from '../../host/files.js';

/** A part of the machine in the sandbox: read-only unless `writable`. */
export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly writable: boolean;
}

export const readOnly = (from: string, to = from): Mount => ({ from, to, writable: false });

/** Where programs, their libraries and their data are; links among them are made again. */
const PROGRAMS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/opt', '/nix/store'];
const NIXOS = ['/run/current-system', '/nix/var/nix/profiles'];

/**
 * Of `/etc`: what programs need to find their libraries, names, certificates and the time. `/etc/ssl/private`,
 * `/etc/shadow` and all that services keep there are not.
 */
const ETC = [
  'alternatives',
  'ca-certificates',
  'crypto-policies',
  'gai.conf',
  'group',
  'host.conf',
  'hosts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'locale.conf',
  'localtime',
  'lsb-release',
  'magic',
  'mime.types',
  'nix/registry.json',
  'nsswitch.conf',
  'os-release',
  'passwd',
  'pki/ca-trust',
  'pki/tls/certs',
  'pki/tls/cert.pem',
  'protocols',
  'services',
  'ssl/certs',
  'ssl/cert.pem',
  'ssl/openssl.cnf',
  'static',
  'terminfo',
  'timezone',
  'zoneinfo',
].map((name) => `/etc/${name}`);

const NIX_CONF = '/etc/nix/nix.conf';

/** What every agent sees of the machine: programs, and what they need to run. */
export async function usualMounts(): Promise<readonly Mount[]> {
  const conf = await readFile(NIX_CONF, 'utf8').catch(() => '');
  // It may hold tokens, or name a file that does.
  const nix = conf === '' || /^\s*(?:access-tokens|!?include)\b/m.test(conf) ? [] : [NIX_CONF];
  const wanted = [...PROGRAMS, ...NIXOS, ...ETC, ...nix];
  const there = await Promise.all(wanted.map(exists));
  return wanted.filter((_, index) => there[index] === true).map((each) => readOnly(each));
}

/**
 * Arguments of bwrap(1) that bring these into a sandbox. Later mounts lie above earlier ones, so a folder in another one comes
 * after it, whatever is made of the two.
 * @param hidden files and folders that are not to be seen although they lie in what is mounted
 */
export async function mountArguments(mounts: readonly Mount[], hidden: readonly string[]): Promise<readonly string[]> {
  const covers = await Promise.all(hidden.map((each) => coversOf(each, mounts)));
  // bwrap would make these for root alone.
  const parents = [...new Set(mounts.flatMap(({ to }) => foldersAbove(to)))];
  const parts = [
    ...parents.map((each) => ['--perms', '0755', '--dir', each]),
    ...(await Promise.all(mounts.map(mountArgument))),
    ...covers.flat(),
  ];
  const length = (part: readonly string[]): number => part.at(-1)?.length ?? 0;
  const empty = covers.flat().flatMap(([kind = '', place = '']) => (kind === '--tmpfs' ? ['--remount-ro', place] : []));
  return [...parts.sort((one, other) => length(one) - length(other)).flat(), ...empty];
}

function foldersAbove(file: string): readonly string[] {
  const folder = path.dirname(file);
  return folder === '/' ? [] : [...foldersAbove(folder), folder];
}

async function mountArgument({ from, to, writable }: Mount): Promise<readonly string[]> {
  if (writable) return ['--bind', from, to];
  // `/bin` leads to `/usr/bin` on most machines.
  const isLink = path.dirname(from) === '/' && from === to && (await lstat(from)).isSymbolicLink();
  return isLink ? ['--symlink', await readlink(from), to] : ['--ro-bind', from, to];
}

/** What covers a path wherever it is seen: it may be reached by links, as secrets of NixOS are. */
async function coversOf(hidden: string, mounts: readonly Mount[]): Promise<readonly (readonly string[])[]> {
  const real = await realpath(hidden).catch(() => null);
  if (real === null) return [];
  const cover = (await stat(real)).isDirectory() ? ['--tmpfs'] : ['--ro-bind', '/dev/null'];
  const seen = await Promise.all(
    mounts.map(async ({ from, to }) => {
      const within = path.relative(await realpath(from), real);
      return isBelow(within) ? [path.join(to, within)] : [];
    }),
  );
  return [...new Set(seen.flat())].map((each) => [...cover, each]);
}

const isBelow = (relative: string): boolean =>
  relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);

export const isVisible = (file: string, mounts: readonly Mount[]): boolean =>
  mounts.some(({ to }) => isBelow(path.relative(to, file)));
