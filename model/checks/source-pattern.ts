import { plainHost } from './plain-host.js';

/**
 * Whether a pattern accepts a source. A host (`git.example.org`, `*.example.org` for all names below, with or without a port) accepts
 * whatever is there; `path:/srv/flakes` or `git+ssh://git.example.org/team` that and what is below it.
 */
export function accepts(pattern: string, text: string): boolean {
  const scheme = /^[a-z+]+:/i.exec(pattern)?.[0];
  if (scheme !== undefined && !HOST_PATTERN.test(pattern)) {
    const wanted = `${scheme.toLowerCase()}${pattern.slice(scheme.length)}`.replace(/(?<=[^/:])\/$/, '');
    return text === wanted || (!LEADS_UP.test(text) && text.startsWith(wanted.endsWith('/') ? wanted : `${wanted}/`));
  }
  const authority = /^[a-z+]+:\/\/([^/]+)/.exec(text)?.[1];
  if (authority === undefined) return false;
  const host = pattern.toLowerCase().replace(V6, (address) => plainHost(address));
  const candidates = [authority, authority.replace(/:\d+$/, '')];
  return candidates.some((each) => (host.startsWith('*.') ? each.endsWith(host.slice(1)) : each === host));
}

const V6 = /^\[[^\]]*\]/;

/** Nobody knows whether that is still below the beginning of it. */
const LEADS_UP = /\/(?:\.|%2e){2}(?:\/|$)/i;

/** A host, or all names below one, with or without a port. */
const HOST_PATTERN = /^(?:\*\.)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9._-]*)(?::\d{1,5})?$/;

const SCHEMES = ['https?', 'ssh', 'git', 'ftp', 'file', 'git\\+(?:https?|ssh|file)', 'hg\\+(?:https?|ssh|file)'];
const ADDRESS_PATTERN = new RegExp(`^(?:path:/[^?#\\s]*|(?:${SCHEMES.join('|')})://[^/?#@\\s]*(?:/[^?#\\s]*)?)$`, 'i');

export const isSourcePattern = (text: string): boolean => HOST_PATTERN.test(text) || ADDRESS_PATTERN.test(text);
