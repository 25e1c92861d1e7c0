import { textAttribute, type SourceAttributes } from './types.js';
import { DEFAULT_HOSTS, forgeAt, GITEA_HOSTS, splitUrl, type ForgeName, type UrlParts } from '../forge/hosts.js';

/**
 * Web page that shows what changed between two locked sources of one repository, by their `locked` attributes. `null` when
 * the host is not known to have one, the repository is another, or the revisions are equal or missing. Always http(s),
 * without user info.
 */
export function compareUrl(from: SourceAttributes, to: SourceAttributes): string | null {
  const [old, now] = [revision(from), revision(to)];
  const [before, after] = [webRepository(from), webRepository(to)];
  if (old === null || now === null || old === now || before === null || after === null) return null;
  const address = repositoryUrl(after);
  return repositoryUrl(before) === address ? address + COMPARE_PATHS[after.forge](old, now) : null;
}

/** Address from which Git can fetch a source; `null` when it is not known to be a Git repository. */
export function gitAddress(attributes: SourceAttributes): string | null {
  if (textAttribute(attributes, 'type') === 'git') {
    const url = textAttribute(attributes, 'url') ?? '';
    return /^(?:(?:https?|ssh|git|file):\/\/[^-]|\/)[^\p{Cc}]*$/u.test(url) ? url : null;
  }
  const repository = webRepository(attributes);
  return repository === null ? null : repositoryUrl(repository);
}

interface WebRepository {
  readonly forge: ForgeName;
  readonly scheme: 'http' | 'https';
  /** Name and perhaps port. */
  readonly host: string;
  readonly path: readonly string[];
}

/** Gitea's holds for Forgejo. sourcehut compares no two commits: its page lists the commits that lead to the new one. */
const COMPARE_PATHS: Readonly<Record<ForgeName, (from: string, to: string) => string>> = {
  github: (from, to) => `/compare/${from}...${to}`,
  gitlab: (from, to) => `/-/compare/${from}...${to}`,
  gitea: (from, to) => `/compare/${from}...${to}`,
  sourcehut: (_from, to) => `/log/${to}`,
};

function revision(locked: SourceAttributes): string | null {
  const rev = textAttribute(locked, 'rev');
  return rev !== null && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(rev) ? rev : null;
}

function webRepository(locked: SourceAttributes): WebRepository | null {
  const type = textAttribute(locked, 'type') ?? '';
  switch (type) {
    case 'github':
    case 'gitlab':
    case 'sourcehut':
      return ofForgeInput(locked, type);
    case 'git':
      return ofGitUrl(textAttribute(locked, 'url') ?? '');
    case 'tarball':
      return ofTarballUrl(textAttribute(locked, 'url') ?? '', revision(locked));
    default:
      return null;
  }
}

function ofForgeInput(locked: SourceAttributes, forge: keyof typeof DEFAULT_HOSTS): WebRepository | null {
  const host = textAttribute(locked, 'host') ?? DEFAULT_HOSTS[forge];
  const [owner, repo] = [textAttribute(locked, 'owner'), textAttribute(locked, 'repo')];
  if (owner === null || repo === null) return null;
  // Mercurial repositories have another page.
  if (forge === 'sourcehut' && !host.startsWith('git.')) return null;
  // Groups below groups are written with %2F in a flake reference.
  return checked({ forge, scheme: 'https', host, path: [...owner.split(/\/|%2f/i), repo] });
}

function ofGitUrl(url: string): WebRepository | null {
  const parts = splitUrl(url);
  if (parts === null) return null;
  const path = parts.path.map(decoded);
  const last = path.pop()?.replace(/\.git$/, '') ?? '';
  return ofHost(parts, [...path, last]);
}

/** Archives that the forges make of a revision: the repository's address comes before `archive` or `tarball`. */
function ofTarballUrl(url: string, rev: string | null): WebRepository | null {
  const parts = splitUrl(url);
  if (parts?.web !== true) return null;
  const path = parts.path.map(decoded);
  switch (parts.host) {
    case 'codeload.github.com':
      return ofHost({ ...parts, host: 'github.com' }, path.slice(0, 2));
    case 'api.github.com':
      return path[0] === 'repos' ? ofHost({ ...parts, host: 'github.com' }, path.slice(1, 3)) : null;
    default: {
      const shaped = ofArchiveShape(parts, path, url, rev);
      if (shaped !== null) return shaped;
      const marker = path.findIndex((part, index) => index >= 2 && (part === '-' || part === 'archive'));
      return marker === -1 ? null : ofHost(parts, path.slice(0, marker));
    }
  }
}

/**
 * Archives whose address only one kind of forge has, on whatever host and below whatever path: those of the API of Gitea and
 * Forgejo, those that they name when asked for a lockable one (the revision twice), and those of GitLab.
 */
function ofArchiveShape(
  { scheme, host: name }: UrlParts,
  path: readonly string[],
  url: string,
  rev: string | null,
): WebRepository | null {
  if (scheme !== 'https' || rev === null) return null;
  const at = path.lastIndexOf('archive');
  const before = path.slice(0, at);
  const [file = '', ...more] = path.slice(at + 1);
  if (at === -1 || !file.startsWith(rev)) return null;
  if (before.at(-1) === '-') return checked({ forge: 'gitlab', scheme, host: name, path: before.slice(0, -1) });
  if (more.length > 0 || !/^\.(?:tar\.gz|zip)$/.test(file.slice(rev.length))) return null;
  const repository = before.slice(-2);
  const api = before.slice(0, -2);
  if (api.slice(-3).join('/') === 'api/v1/repos')
    return checked({ forge: 'gitea', scheme, host: name, path: [...api.slice(0, -3), ...repository] });
  const isLockable = new RegExp(`[?&]rev=${rev}(?:[&#]|$)`).test(url) && (forgeAt(name) ?? 'gitea') === 'gitea';
  return isLockable ? checked({ forge: 'gitea', scheme, host: name, path: before }) : null;
}

function ofHost(
  { scheme, host: name }: Pick<UrlParts, 'scheme' | 'host'>,
  path: readonly string[],
): WebRepository | null {
  const forge = forgeAt(name);
  if (forge === null || (forge !== 'gitlab' && path.length !== 2)) return null;
  const known = Object.values<string>(DEFAULT_HOSTS).includes(name) || GITEA_HOSTS.includes(name);
  return checked({ forge, scheme: known ? 'https' : scheme, host: name, path });
}

/** Refuses what could make the address mean something else: odd hosts, and paths with dots or holes. */
function checked(repository: WebRepository): WebRepository | null {
  const { host: name, path } = repository;
  const sound = path.length >= 2 && path.every((part) => /^(?!\.{1,2}$)[^\p{Cc}\p{Cs}/\\]+$/u.test(part));
  return sound && /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/i.test(name) ? repository : null;
}

const repositoryUrl = ({ scheme, host: name, path }: WebRepository): string =>
  `${scheme}://${name}/${path.map(encodeURIComponent).join('/')}`;

/** A part of a path without percent signs; one that is not well written becomes `..`, which no repository has. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '..';
  }
}
