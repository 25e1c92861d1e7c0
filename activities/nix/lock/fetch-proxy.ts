import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect, createServer, isIP, type AddressInfo, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { systemCode } from '../../../host/errors.js';
import { ANSWERS, handshake, reply } from '../../../host/socks.js';
import { isPrivateHost } from '../../../model/flake-lock/private-host.js';
import { accepts } from '../../../model/checks/source-pattern.js';
import { sourceOf, wishedSources, type Source } from '../../../model/flake-lock/sources.js';
import { allInputs } from '../../../model/flake-lock/walk.js';
import { oneLine } from '../../../model/text/one-line.js';
import type { Passage } from '../run-nix.js';
import { inTurns } from './in-turns.js';
import type { SourceRules } from './source-rules.js';
import { namedSources } from './new-sources.js';

/** The way to the network of all that is fetched for a lock. */
export interface FetchProxy {
  /** For one command; `null` where the worker is given a proxy of its own. */
  readonly passage: () => Passage | null;
  /** Where connections go on to, as `HOST:PORT`, where they are to this proxy; the same otherwise. */
  readonly beyond: (peer: string) => readonly string[];
}

interface Through {
  readonly host: string;
  readonly port: number;
}

/** A command of ours says what it wants at once. */
const HANDSHAKE_MS = 5_000;
/** Addresses of a name: of all proxies together, for they share the threads that look names up. */
const lookUp = inTurns((host: string) => lookup(host, { all: true }));

/** More than all commands of an activity have. */
const MOST_CONNECTIONS = 256;

/**
 * Of every transport that a download may be sent on to: older versions of Nix also follow a redirect to FTP. Curl and Git take that
 * of all where there is no `http_proxy`, which Mercurial reads as well, and it knows no SOCKS.
 */
const PROXY_VARIABLES = ['https', 'HTTPS', 'ftp', 'FTP', 'ftps', 'FTPS', 'all', 'ALL'].map((way) =>
  way === way.toUpperCase() ? `${way}_PROXY` : `${way}_proxy`,
);

const OWN_PROXY = ['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];

/**
 * Lends a SOCKS proxy (RFC 1928, 1929) on loopback that lets nothing through to private networks but to hosts which the owner or the
 * lock of base names: a server that is public may send whoever downloads from it to any other one, and a public name may stand for any
 * address. A client without the password of a command gets nothing.
 */
export async function withFetchProxy<T>(rules: SourceRules, work: (proxy: FetchProxy) => Promise<T>): Promise<T> {
  if (OWN_PROXY.some((name) => (process.env[name] ?? '') !== ''))
    return work({ passage: () => null, beyond: (peer) => [peer] });
  const isAllowed = allowance(rules);
  const faults = new Map<string, Map<string, string>>();
  const open = new Set<Through>();
  const sockets = new Set<Socket>();
  let isClosed = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    if (isClosed) socket.destroy();
  };
  const server = createServer((client) => {
    keep(client);
    void serve(client, { faults, open, isAllowed, own: rules.own, keep });
  });
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await work({
      passage: () => {
        const password = randomBytes(16).toString('hex');
        const own = new Map<string, string>();
        faults.set(password, own);
        const url = `socks5h://lockkeeper:${password}@127.0.0.1:${port}`;
        const ways = Object.fromEntries(PROXY_VARIABLES.map((name) => [name, url]));
        return { variables: { ...ways, no_proxy: '', NO_PROXY: '' }, explain: (stderr) => explained(stderr, own) };
      },
      beyond: (peer) =>
        peer === `127.0.0.1:${port}` ? [...open].map(({ host, port: at }) => `${authority(host)}:${at}`) : [peer],
    });
  } finally {
    isClosed = true;
    for (const socket of sockets) socket.destroy();
    await ended(server);
  }
}

const ended = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });

interface Serving {
  /** Why hosts could not be reached, by the password of the command that asked. */
  readonly faults: ReadonlyMap<string, Map<string, string>>;
  readonly open: Set<Through>;
  readonly isAllowed: (host: string, port: number) => boolean;
  readonly own: readonly string[];
  readonly keep: (socket: Socket) => void;
}

async function serve(client: Socket, { faults, open, isAllowed, own, keep }: Serving): Promise<void> {
  const late = setTimeout(() => client.destroy(), HANDSHAKE_MS);
  const asked = await handshake(client, (password) => faults.has(password)).catch(() => null);
  clearTimeout(late);
  if (asked === null) {
    client.destroy();
    return;
  }
  const { host, port, password } = asked;
  const through: Through = { host, port };
  open.add(through);
  client.on('close', () => open.delete(through));
  const refuse = (answer: number, words: string): void => {
    faults.get(password)?.set(`${authority(host)}:${port}`, words);
    client.end(reply(answer));
  };
  try {
    const addresses = isIP(host) === 0 ? await lookUp(host) : [{ address: host, family: isIP(host) }];
    // It may have been ended meanwhile, and the proxy with it.
    if (client.destroyed) return;
    const isPrivate =
      isPrivateHost(authority(host), own) || addresses.some(({ address }) => isPrivateAddress(address, own));
    if (isPrivate && !isAllowed(host, port)) {
      refuse(ANSWERS.notAllowed, privateWords(`${authority(host)}:${port}`));
      return;
    }
    // Nobody is asked again what the name stands for.
    const remote = connect({
      host,
      port,
      lookup: (_, { all }, found) => {
        const [first] = addresses;
        if (all === true) found(null, [...addresses]);
        else found(null, first?.address ?? '', first?.family);
      },
    });
    keep(remote);
    client.on('close', () => remote.destroy());
    await new Promise<void>((resolve, reject) => remote.once('connect', resolve).once('error', reject));
    client.write(reply(ANSWERS.done));
    remote.on('error', () => client.destroy());
    client.pipe(remote);
    remote.pipe(client);
  } catch (error) {
    refuse(ANSWERS.unreachable, faultWords(error, host, port));
  }
}

/** As in an address: IPv6 in brackets. */
const authority = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Also one of this machine's, at which it may serve what others do not get. */
const isPrivateAddress = (address: string, own: readonly string[]): boolean =>
  isPrivateHost(authority(address), own) ||
  Object.values(networkInterfaces()).some((each) => each?.some((one) => one.address === address) === true);

/** Which hosts of private networks may be asked: those that the owner names, and those that the lock of base has. */
function allowance({ lock, wishes, allowed, own }: SourceRules): (host: string, port: number) => boolean {
  const locked = (lock === null ? [] : allInputs(lock)).flatMap(({ edge }): readonly Source[] =>
    edge.kind === 'node' && edge.node.locked !== null ? [sourceOf(edge.node.locked, own)] : [],
  );
  const named = [...wishes.values()].flatMap((wish) => namedSources(wish, own));
  const patterns = allowed.flatMap((pattern) => (pattern.includes('://') ? wishedSources({ url: pattern }, own) : []));
  const known = new Set(
    [...locked, ...named, ...patterns].flatMap(({ origin, also = [] }) => [origin, ...also].flatMap(placeOf)),
  );
  return (host, port) => {
    const place = `${authority(host)}:${port}`;
    return known.has(place) || allowed.some((pattern) => accepts(pattern, `https://${place}`));
  };
}

/** `HOST:PORT` of an origin that is asked by HTTP. */
function placeOf(origin: string): readonly string[] {
  const [, scheme, host, port] = /^(?:[a-z]+\+)?(https?):\/\/(\[[^\]]*\]|[^/:]+)(?::(\d+))?$/.exec(origin) ?? [];
  return host === undefined ? [] : [`${host}:${port ?? (scheme === 'http' ? '80' : '443')}`];
}

const privateWords = (place: string): string =>
  `it leads to ${place}, in a private network, where it may not fetch from. If that is meant, accept it with --allow-source ${place} (allowSources)`;

/** In the words that Curl has for it, which are known elsewhere. */
function faultWords(error: unknown, host: string, port: number): string {
  const code = systemCode(error) ?? (error instanceof AggregateError ? systemCode(error.errors[0]) : undefined);
  const to = `Failed to connect to ${authority(host)} port ${port}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `Could not resolve host: ${host}`;
  return `${to}: ${REASONS[code ?? ''] ?? "Couldn't connect to server"}`;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ETIMEDOUT: 'Connection timed out',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
};

/** What versions of Curl and Git say of a proxy that does not connect them. */
const OF_PROXY =
  /proxy handshake error(?: \(97\))?(?: (?:can(?:'t|not) complete SOCKS5 connection to \S+ \(\d+\)))?|Can(?:'t|not) complete SOCKS5 connection to \S+ \(\d+\)/i;

function explained(stderr: string, faults: ReadonlyMap<string, string>): string {
  if (faults.size === 0) return stderr;
  const last = [...faults.values()].at(-1) ?? '';
  return stderr
    .split('\n')
    .map((line) => {
      if (!OF_PROXY.test(line)) return line;
      // After a redirect the message names only the first address.
      const [, words = last] = [...faults].find(([place]) => line.includes(place.replace(/:(?:80|443)$/, ''))) ?? [];
      return line.replace(OF_PROXY, () => oneLine(words, 600));
    })
    .join('\n');
}
