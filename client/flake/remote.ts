import { isAbsolute, resolve } from 'node:path';
import {
  pushAddresses,
  readRemotes,
  readSettings,
  REMOTE_ADDRESSES,
  type RemoteAddresses,
} from '../../model/git/remotes.js';
import { CommandError } from '../errors.js';
import { checkUrl } from './reference.js';
import { git } from './git.js';

export const remotesOf = async (folder: string): Promise<ReadonlyMap<string, RemoteAddresses>> =>
  readRemotes(await listed(folder, REMOTE_ADDRESSES));

const listed = async (folder: string, pattern: string): Promise<string> =>
  (await git(['config', '--null', '--get-regexp', pattern], { cwd: folder })).stdout;

interface WantedRemote {
  /** Name of the remote that was asked for. */
  readonly wanted: string | null;
  /** How to say which remote is meant. */
  readonly option: string;
}

/** Address of the remote to use; `null` when the repository has no remote. */
export async function remoteUrl(
  checkout: string,
  remotes: ReadonlyMap<string, RemoteAddresses>,
  { wanted, option }: WantedRemote,
): Promise<string | null> {
  const names = [...remotes.keys()].sort();
  if (wanted !== null && !remotes.has(wanted)) {
    const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
    throw new CommandError(`The repository ${checkout} has no remote "${wanted}": ${known}.`);
  }
  if (names.length === 0) return null;
  const name = wanted ?? (remotes.has('origin') ? 'origin' : names.length === 1 ? names[0] : undefined);
  if (name === undefined) {
    throw new CommandError(
      `The repository ${checkout} has several remotes: name one with ${option} (${names.join(', ')}).`,
    );
  }
  const addresses = remotes.get(name);
  return addresses === undefined ? null : remoteAddress(pushAddresses(addresses)[0] ?? '', checkout, name);
}

async function remoteAddress(address: string, checkout: string, name: string): Promise<string> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) return checkUrl(`(remote ${name})`, address);
  if (/^[^/]*:/.test(address)) return address;
  // An address that insteadOf replaces is not a path. Git replaces it itself, because the result may hold a password.
  const replaced = await replacement(checkout, address);
  if (replaced === null) return resolve(checkout, address);
  return isAbsolute(replaced) || replaced.includes(':') ? address : resolve(checkout, replaced);
}

/** What Git takes for an address by insteadOf, the longest beginning that fits; `null` when none does. */
async function replacement(checkout: string, address: string): Promise<string | null> {
  const rules = readSettings(await listed(checkout, '^url\\..*\\.insteadof$'));
  const fitting = rules.filter(([, prefix]) => address.startsWith(prefix));
  const longest = fitting.sort(([, one], [, other]) => other.length - one.length)[0];
  if (longest === undefined) return null;
  const [key, prefix] = longest;
  return key.replace(/^url\.(.*)\.insteadof$/s, '$1') + address.slice(prefix.length);
}
