/** Forges that are known by the name of their host. */
export type ForgeName = 'github' | 'gitlab' | 'gitea' | 'sourcehut';

export const DEFAULT_HOSTS = { github: 'github.com', gitlab: 'gitlab.com', sourcehut: 'git.sr.ht' } as const;

/** Hosts of Gitea or Forgejo whose names do not tell. */
export const GITEA_HOSTS: readonly string[] = ['codeberg.org', 'git.lix.systems'];

/** Which forge a host is, as far as its name tells; `gitea` is Forgejo too. */
export function forgeAt(name: string): ForgeName | null {
  if (name.startsWith('github.') || name.endsWith('.ghe.com')) return 'github';
  if (name === 'git.sr.ht') return 'sourcehut';
  if (GITEA_HOSTS.includes(name) || /gitea|forgejo|codeberg/.test(name)) return 'gitea';
  return name.startsWith('gitlab.') ? 'gitlab' : null;
}

export interface UrlParts {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** True when the URL itself is a web address. */
  readonly web: boolean;
  readonly path: readonly string[];
}

/** Where the web server of a Git address most likely is; `null` for other addresses. */
export function splitUrl(url: string): UrlParts | null {
  const match = /^(?:git\+)?(https?|ssh|git):\/\/(?:[^/?#]*@)?([^/?#]+)\/([^?#]*)/i.exec(url);
  const scp = match === null ? /^(?:[^@/:]+@)?([^@/:]+):([^/:?#][^:?#]*)$/.exec(url) : null;
  if (scp !== null) return { scheme: 'https', host: host(scp[1]), web: false, path: segments(scp[2]) };
  if (match === null) return null;
  const scheme = (match[1] ?? '').toLowerCase();
  const web = scheme === 'http' || scheme === 'https';
  // A port of SSH says nothing of the web server's.
  const name = web ? host(match[2]) : host(match[2]).replace(/:\d+$/, '');
  return { scheme: scheme === 'http' ? 'http' : 'https', host: name, web, path: segments(match[3]) };
}

const host = (text = ''): string => text.toLowerCase();
export const segments = (path = ''): string[] => path.split('/').filter((part) => part !== '');
