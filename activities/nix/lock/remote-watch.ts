import { lookup } from 'node:dns/promises';
import { readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { lookEach } from '../../../host/look-each.js';
import { connectedTo } from '../../../host/listening.js';
import { descendants, processIds } from '../../../host/processes.js';
import type { WaitHeartbeat } from '../../../model/contract/verification.js';
import { wishedSources } from '../../../model/flake-lock/sources.js';
import { nameList } from '../../../model/report/words.js';
import type { Tell } from '../heartbeat.js';
import type { FetchProxy } from './fetch-proxy.js';
import type { SourceRules } from './source-rules.js';

interface Fetching {
  /** Folders that they, and nobody else, were started in. */
  readonly folders: readonly string[];
  readonly inputs: readonly string[];
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** Says which remotes the commands of an activity wait for. */
export interface RemoteWatch {
  /** Does what fetches inputs, by commands in these folders. */
  readonly during: <T>(about: Omit<Fetching, 'since'>, work: () => Promise<T>) => Promise<T>;
}

const LOOK_MS = 1500;
/** Fetching that is over sooner is not worth a word. */
const PATIENCE_MS = 4000;
const NAME_MS = 2000;
const INPUTS_NAMED = 3;

/**
 * Watches what the kernel says of connections, because Nix says nothing before it has an answer: so it holds for downloads, Git and SSH,
 * and for a remote that answers nothing at all.
 * @param beyond where connections to a proxy of ours go on to
 * @param tell gets a `WaitHeartbeat`, and `null` when nothing is waited for any more
 */
export function watchRemotes(
  { wishes, own }: Pick<SourceRules, 'wishes' | 'own'>,
  tell: Tell,
  beyond: FetchProxy['beyond'] = (peer) => [peer],
): RemoteWatch {
  const fetching = new Set<Fetching>();
  let endLooks: (() => void) | null = null;
  const addresses = new Map<string, Promise<readonly string[]>>();
  const addressesOf = (host: string): Promise<readonly string[]> => {
    const known = addresses.get(host) ?? resolve(host);
    addresses.set(host, known);
    return known;
  };
  /** Hosts that an input may be fetched from, as far as its address says. */
  const hostsOf = (input: string): readonly string[] =>
    wishedSources(wishes.get(input) ?? {}, own).flatMap(({ origin, also = [] }) =>
      [origin, ...also].flatMap((each) => /^[^:/]+:\/\/(\[[^\]]*\]|[^/:]+)/.exec(each)?.[1] ?? []),
    );
  const remotes = async ({ folders, inputs }: Fetching): Promise<string> => {
    const all = nameList(inputs, INPUTS_NAMED);
    const peers = (await connectedTo(await processesIn(folders))).flatMap(beyond);
    if (peers.length === 0) return all;
    const named = await Promise.all(peers.map((peer) => describe(peer, inputs, { hostsOf, addressesOf })));
    return [...new Set(named)].map((name) => (name.endsWith(')') ? name : `${name} (${all})`)).join(', ');
  };
  const look = async (): Promise<void> => {
    const slow = [...fetching].filter(({ since }) => Date.now() - since >= PATIENCE_MS);
    if (slow.length === 0) {
      tell(null);
      return;
    }
    const found = await Promise.all(slow.map(remotes));
    const waitsFor = nameList(
      [...new Set(found)].filter((name) => name !== ''),
      INPUTS_NAMED,
    );
    const since = new Date(Math.min(...slow.map((each) => each.since))).toISOString();
    // Looking takes a while, in which they may have ended.
    if (slow.some((each) => fetching.has(each))) tell({ waitsFor, since } satisfies WaitHeartbeat);
  };
  return {
    during: async (about, work) => {
      const one: Fetching = { ...about, since: Date.now() };
      fetching.add(one);
      // One look is at all that is fetched side by side.
      endLooks ??= lookEach(LOOK_MS, look);
      try {
        return await work();
      } finally {
        fetching.delete(one);
        if (fetching.size === 0) {
          endLooks();
          endLooks = null;
          tell(null);
        }
      }
    },
  };
}

/** `github.com (nixpkgs)`, or the address alone where no input names its host: of a mirror, or a proxy. */
async function describe(
  peer: string,
  inputs: readonly string[],
  {
    hostsOf,
    addressesOf,
  }: {
    readonly hostsOf: (input: string) => readonly string[];
    readonly addressesOf: (host: string) => Promise<readonly string[]>;
  },
): Promise<string> {
  const address = peer.replace(/:\d+$/, '');
  const found = await Promise.all(
    inputs.map(async (input) => {
      for (const host of hostsOf(input))
        if (host === address || (await addressesOf(host)).includes(address)) return { input, host };
      return null;
    }),
  );
  const matches = found.filter((each) => each !== null);
  const [first] = matches;
  if (first === undefined) return peer;
  return `${first.host} (${nameList(
    matches.map(({ input }) => input),
    INPUTS_NAMED,
  )})`;
}

/** Addresses of a host, as `connectedTo` writes them; none when its name server does not answer either. */
async function resolve(host: string): Promise<readonly string[]> {
  const found = lookup(host.replace(/^\[(.*)\]$/, '$1'), { all: true }).catch(() => []);
  const late = sleep(NAME_MS, [], { ref: false });
  return (await Promise.race([found, late])).map(({ address, family }) =>
    family === 4 ? address : `[${allDigits(address)}]`,
  );
}

/** `::1` with all its digits: as `new URL` shortens it, but the other way round. */
function allDigits(address: string): string {
  const [before = '', after] = address.toLowerCase().split('::');
  const parts = (text: string | undefined): string[] =>
    text === undefined || text === '' ? [] : text.split(':').map((part) => part.padStart(4, '0'));
  const [start, end] = [parts(before), parts(after)];
  return [...start, ...Array<string>(8 - start.length - end.length).fill('0000'), ...end].join(':');
}

/** Processes that were started in some folders, and what they have started: Git goes to folders of its own. */
async function processesIn(folders: readonly string[]): Promise<readonly number[]> {
  const pids = await processIds();
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  const roots = pids.filter((_, index) =>
    folders.some((folder) => places[index] === folder || places[index]?.startsWith(`${folder}/`) === true),
  );
  const below = (await Promise.all(roots.map(descendants))).flat().map(({ pid }) => pid);
  return [...new Set([...roots, ...below])];
}
