import { stripControl, decoded } from '../../model/text/text.js';
import { CommandError } from '../errors.js';

/** FLAKE as it was written, taken apart; nothing is looked up yet. */
export type FlakeReference =
  | { readonly kind: 'path'; readonly path: string; readonly dir: string; readonly ref: string | null }
  | { readonly kind: 'url'; readonly url: string; readonly dir: string; readonly ref: string | null };

/** Forges that flake references have a short form for, and the host that each stands for. */
const FORGES = { github: 'github.com', gitlab: 'gitlab.com', sourcehut: 'git.sr.ht' } as const;

const FORMS =
  'a path, a Git URL (git+https://…, git+ssh://…, git+file://…, https://….git, git@host:path) or ' +
  'github:, gitlab: or sourcehut:OWNER/REPO';

/** Parameters of a Git flake reference that mean something to a run. */
const PARAMETERS = new Set(['dir', 'ref', 'host']);

/** Reads FLAKE. Throws `CommandError` for what is no Git repository's address or holds a password. */
export function parseFlakeReference(text: string): FlakeReference {
  if (text === '') throw refused(text, 'is empty');
  if (/\p{Cc}/u.test(text)) throw refused(text, 'holds control characters');
  if (text.startsWith('-')) throw refused(text, 'starts with a dash: write ./ before it if it is a path');
  if (text.includes('#')) throw refused(text, 'names an attribute after "#": name hosts with --host instead');
  const [address, query] = split(text, '?');
  const parameters = readParameters(text, query);
  const dir = checkDir(text, parameters.get('dir') ?? '');
  const ref = parameters.get('ref')?.replace(/^refs\/heads\//, '') ?? null;
  const forge = /^(github|gitlab|sourcehut):(.*)$/.exec(address);
  if (forge !== null) {
    const name = forge[1] as keyof typeof FORGES;
    return fromForge(text, name, forge[2] ?? '', parameters.get('host') ?? FORGES[name], dir, ref);
  }
  const url = /^(?:git\+)?((?:https?|ssh|file|git):\/\/.*)$/i.exec(address)?.[1];
  if (url !== undefined) return { kind: 'url', url: checkUrl(text, url), dir, ref };
  if (address.startsWith('path:')) return { kind: 'path', path: address.slice('path:'.length), dir, ref };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) throw refused(text, `has a scheme that is not supported`);
  // Git's own rule: a colon before the first slash is a host, as in git@host:path.
  if (/^(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9._-]+:[^:]/.test(address) && !/^[./~]/.test(address)) {
    return { kind: 'url', url: address, dir, ref };
  }
  return { kind: 'path', path: address, dir, ref };
}

function fromForge(
  text: string,
  forge: keyof typeof FORGES,
  rest: string,
  host: string,
  dir: string,
  ref: string | null,
): FlakeReference {
  // GitLab's groups nest, written with %2F in a flake reference.
  const [owner, repo, branch, ...more] = rest.split('/').map(decoded);
  const part = /^[~\w][\w./-]*$/;
  if (owner === undefined || repo === undefined || more.length > 0 || ![owner, repo].every((name) => part.test(name))) {
    throw refused(text, `is not ${forge}:OWNER/REPO or ${forge}:OWNER/REPO/BRANCH`);
  }
  if (!/^[A-Za-z0-9.:-]+$/.test(host)) throw refused(text, 'has an invalid host name');
  const suffix = forge === 'sourcehut' ? '' : '.git';
  return { kind: 'url', url: `https://${host}/${owner}/${repo}${suffix}`, dir, ref: branch ?? ref };
}

function readParameters(text: string, query: string): ReadonlyMap<string, string> {
  const parameters = new Map(new URLSearchParams(query));
  for (const name of parameters.keys()) {
    if (PARAMETERS.has(name)) continue;
    const hint = name === 'rev' || name === 'narHash' ? ': a run starts from a branch, not from one commit' : '';
    throw refused(text, `has the parameter "${name}"${hint}; only dir and ref are supported`);
  }
  return parameters;
}

function checkDir(text: string, dir: string): string {
  const parts = dir.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || dir.startsWith('/')) throw refused(text, `leaves the repository with dir=${dir}`);
  return parts.join('/');
}

/** Long or prefixed user names are tokens (`https://ghp_…@github.com/…`). */
const TOKEN = /^(gh[a-z]_|github_pat_|glpat-|.{30,})/;

/** Refuses URLs that hold secrets: they would be kept in the history of the run. */
export function checkUrl(shown: string, url: string): string {
  if (!URL.canParse(url)) throw refused(shown, 'is not a URL');
  const { protocol, username, password, hash } = new URL(url);
  if (password !== '' || (protocol.startsWith('http') && TOKEN.test(username))) {
    throw new CommandError(
      `The address ${url.replace(/:\/\/[^/]*@/, '://…@')} holds a password or token, which would be kept in the run's ` +
        'history. Take it out of the URL and name a file that holds it with --https-token-file.',
    );
  }
  if (hash !== '') throw refused(shown, 'has something after "#"');
  return url.replace(/\/+$/, '');
}

function refused(text: string, why: string): CommandError {
  const shown = stripControl(text)
    .replace(/:\/\/[^/\s]*@/g, '://…@')
    .replaceAll('\n', ' ')
    .slice(0, 200);
  return new CommandError(`FLAKE "${shown}" ${why}. Give ${FORMS}.`);
}

function split(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)];
}
