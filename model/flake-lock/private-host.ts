import { plainHost } from '../checks/plain-host.js';

/** Endings of names that never stand in public DNS. */
const PRIVATE_ENDINGS = [
  ...['local', 'internal', 'lan', 'localhost', 'localdomain', 'intranet', 'private', 'corp', 'home', 'home.arpa'],
  ...['test', 'invalid', 'onion'],
];

/**
 * Whether a host is in a private network by its name or number alone: loopback, private and link-local addresses, names without a
 * dot or with an ending that public DNS does not have, and the machine's own. Nobody is asked what a name stands for.
 * @param host without port; an IPv6 address in brackets
 * @param own names of this machine
 */
export function isPrivateHost(host: string, own: readonly string[]): boolean {
  const name = plainHost(host);
  if (name.startsWith('[')) return !isPublicV6(name);
  if (looksNumeric(name)) return !isPublicV4(name);
  if (!name.includes('.')) return true;
  return [...PRIVATE_ENDINGS, ...own.map((each) => each.toLowerCase())].some(
    (ending) => ending !== '' && (name === ending || name.endsWith(`.${ending}`)),
  );
}

/** Whether resolvers may take it for an address: `127.1`, `0x7f.1` and `2130706433` are the loopback's, too. */
const looksNumeric = (name: string): boolean => /^(?:0x[0-9a-f]*|\d+)$/.test(name.split('.').at(-1) ?? '');

/** Networks of RFC 6890 and multicast: first address, and how many bits count. */
const PRIVATE_V4: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
];

/** Only the usual spelling may be public. */
function isPublicV4(name: string): boolean {
  const address = v4(name);
  return (
    address !== null &&
    !PRIVATE_V4.some(
      ([network, bits]) => Math.floor(address / 2 ** (32 - bits)) === (v4(network) ?? 0) / 2 ** (32 - bits),
    )
  );
}

function v4(name: string): number | null {
  const parts = name.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return null;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Networks with IPv6 alone reach all others by addresses that hold theirs (NAT64, RFC 6052). */
const NAT64 = /^\[64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})\]$/;

function isPublicV6(name: string): boolean {
  const [, high = '0', low] = NAT64.exec(name) ?? [];
  if (low === undefined) return isGlobalV6(name);
  const parts = [high, low].map((part) => Number.parseInt(part, 16)).flatMap((part) => [part >> 8, part & 255]);
  return isPublicV4(parts.join('.'));
}

/** Global unicast alone, without 6to4 and Teredo, which hold other addresses. */
const isGlobalV6 = (name: string): boolean =>
  /^\[[23][0-9a-f]{3}:[0-9a-f:]*\]$/.test(name) && !/^\[2002:|^\[2001:0{0,4}:/.test(name);
