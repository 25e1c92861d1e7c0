import { decoded } from '../text/text.js';
import { plainHost } from '../checks/plain-host.js';
import { isPrivateHost } from './private-host.js';
import { accepts } from '../checks/source-pattern.js';
import { textAttribute, type FlakeLock, type LockNode, type SourceAttributes } from './types.js';
import { inputsBelow } from './walk.js';

export interface Source {
  /** In one spelling without revision and query: `path:/srv/flakes`, `git+ssh://host/a.git`, `github:owner/repo`. */
  readonly text: string;
  /**
   * - `inside`: a folder of the flake that has the input
   * - `public`: anybody could fetch it, as far as its address says
   * - `guarded`: a folder or file of the machine, a host of a private network, or a transport other than HTTPS
   */
  readonly reach: 'inside' | 'public' | 'guarded';
  /** What sources of the same origin share: for folders and files the source itself, else transport and host. */
  readonly origin: string;
  /** Origins that Nix asks as well, or is sent on to by a forge. */
  readonly also?: readonly string[];
}

/** Forges' own kinds of sources, and the hosts that they mean by themselves. */
const FORGES: Readonly<Record<string, string>> = { github: 'github.com', gitlab: 'gitlab.com', sourcehut: 'git.sr.ht' };

/** Prefix of a transport in the address of a source, by its type. */
const PREFIXES: Readonly<Record<string, string>> = { git: 'git+', hg: 'hg+', mercurial: 'hg+', tarball: '', file: '' };

/** What the attributes of a source say of where it comes from. @param own names of this machine */
export function sourceOf(attributes: SourceAttributes, own: readonly string[]): Source {
  const type = textAttribute(attributes, 'type') ?? '';
  if (type === 'path') return folderSource(textAttribute(attributes, 'path') ?? '');
  const forge = Object.hasOwn(FORGES, type) ? FORGES[type] : undefined;
  if (forge !== undefined) return forgeSource(attributes, { type, forge }, own);
  const prefix = Object.hasOwn(PREFIXES, type) ? PREFIXES[type] : undefined;
  const url = textAttribute(attributes, 'url');
  if (prefix === undefined || url === null) return guarded(`${type}:${url ?? textAttribute(attributes, 'id') ?? ''}`);
  return addressSource(prefix, url, own);
}

const guarded = (text: string, origin = text): Source => ({ text, reach: 'guarded', origin });

/** A relative path stays inside: Nix refuses one that leaves its flake. */
const folderSource = (folder: string): Source =>
  folder.startsWith('/')
    ? guarded(`path:${plainPath(folder)}`)
    : { text: `path:${folder}`, reach: 'inside', origin: 'path:.' };

/** A path without `.` and empty parts; `..` stays, for what it leads to depends on links. */
const plainPath = (path: string): string =>
  `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;

function forgeSource(
  attributes: SourceAttributes,
  { type, forge }: { readonly type: string; readonly forge: string },
  own: readonly string[],
): Source {
  const host = textAttribute(attributes, 'host') ?? forge;
  const [owner, repo] = [textAttribute(attributes, 'owner') ?? '', textAttribute(attributes, 'repo') ?? ''];
  const at = hostAndPort(host);
  if (at === null) return guarded(`${type}:${owner}/${repo}?host=${host}`);
  // Forges are asked over HTTPS.
  const origin = `https://${at.name}${at.port}`;
  const also = type === 'github' ? ['api', 'codeload'].map((helper) => `https://${helper}.${at.name}${at.port}`) : [];
  if (host === forge) return { text: `${type}:${owner}/${repo}`, reach: 'public', origin, also };
  const reach = isPrivateHost(at.name, own) ? 'guarded' : 'public';
  return { text: `${origin}/${owner}/${repo}`, reach, origin, also };
}

/** Programs read an authority with anything else in it in more than one way. */
const AUTHORITY = /^(?:[\w.~!$&'()*+,;=:%-]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*)(:\d{1,5})?$/;

function hostAndPort(authority: string): { readonly name: string; readonly port: string } | null {
  const [, name, port = ''] = AUTHORITY.exec(authority) ?? [];
  return name === undefined ? null : { name: plainHost(name), port };
}

function addressSource(prefix: string, address: string, own: readonly string[]): Source {
  const url = address.replace(/^(?:git|hg|tarball|file)\+/, '').replace(/[?#].*$/s, '');
  if (url.startsWith('/')) return guarded(`${prefix}file://${plainPath(url)}`);
  const [, scheme = '', authority = '', path = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/]*)(.*)$/s.exec(url) ?? [];
  const transport = scheme.toLowerCase() === 'git' ? 'git' : `${prefix}${scheme.toLowerCase()}`;
  if (scheme.toLowerCase() === 'file') return guarded(`${transport}://${plainPath(`${authority}${decoded(path)}`)}`);
  const at = hostAndPort(authority);
  if (at === null) return guarded(`${prefix}${url.replace(/\/\/[^/]*/, '//…')}`);
  const origin = `${transport}://${at.name}${at.port}`;
  const isOpen = (transport === 'https' || transport === 'git+https') && !isPrivateHost(at.name, own);
  return { text: `${origin}${path}`, reach: isOpen ? 'public' : 'guarded', origin };
}

/**
 * Where what a `flake.nix` asks for may come from: an address (`url`), or attributes. Registries are not asked, so a name that stands
 * for something else in them gives nothing.
 */
export function wishedSources(wish: Readonly<Record<string, unknown>>, own: readonly string[]): readonly Source[] {
  const { url } = wish;
  if (typeof url !== 'string') return typeof wish.type === 'string' ? [sourceOf(attributesOf(wish), own)] : [];
  const [, address = '', query = ''] = /^([^?#]*)(?:\?([^#]*))?/.exec(url) ?? [];
  const [, type, owner, repo] = /^(github|gitlab|sourcehut):([^/]+)\/([^/]+)/i.exec(address) ?? [];
  if (type !== undefined) {
    const host = /(?:^|&)host=([^&]*)/.exec(query)?.[1];
    const attributes = {
      type: type.toLowerCase(),
      owner,
      repo,
      ...(host === undefined ? {} : { host: decoded(host) }),
    };
    return [sourceOf(attributesOf(attributes), own)];
  }
  if (address.startsWith('/')) return [folderSource(address), addressSource('git+', address, own)];
  if (/^path:/i.test(address)) return [folderSource(decoded(address.slice('path:'.length)))];
  const [, transport, inner = ''] = /^(git|hg|tarball|file)\+(.*)$/is.exec(address) ?? [];
  if (transport !== undefined) return [addressSource(PREFIXES[transport.toLowerCase()] ?? '', inner, own)];
  return address.includes('://') ? [addressSource('', address, own)] : [];
}

const attributesOf = (wish: Readonly<Record<string, unknown>>): SourceAttributes =>
  new Map(Object.entries(wish).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));

/** Nodes of a root input and of all inputs below it. */
export const nodesBelow = (lock: FlakeLock, name: string): readonly LockNode[] =>
  inputsBelow(lock, name).flatMap(({ edge }) => (edge.kind === 'node' ? [edge.node] : []));

/** Where all that comes from which a root input brings along. */
export const sourcesBelow = (lock: FlakeLock, name: string, own: readonly string[]): readonly Source[] =>
  nodesBelow(lock, name).flatMap(({ locked }) => (locked === null ? [] : [sourceOf(locked, own)]));

export interface Permission {
  /** Origins that are known already. */
  readonly origins: ReadonlySet<string>;
  /** Patterns: see `accepts`. */
  readonly allowed: readonly string[];
}

/** Texts of sources that nobody has permitted, each once. */
export const unpermitted = (sources: readonly Source[], { origins, allowed }: Permission): readonly string[] => [
  ...new Set(
    sources
      .filter(({ reach, origin }) => reach === 'guarded' && !origins.has(origin))
      .filter(({ text }) => !allowed.some((pattern) => accepts(pattern, text)))
      .map(({ text }) => text),
  ),
];
