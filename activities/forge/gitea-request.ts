import type { ForgeOptions } from '../../model/run/options.js';
import { numberOf, objectOf, textOf, type Json } from './json.js';
import type { ForgeRequest } from './types.js';

export function requestOf(forge: ForgeOptions, json: Json): ForgeRequest {
  const head = objectOf(forge, json.head);
  const base = objectOf(forge, json.base);
  // Forks have ids of their own, and names that may change.
  const isOwn = head.repo_id === base.repo_id;
  return {
    number: numberOf(forge, json.number),
    url: textOf(json.html_url),
    isOpen: json.state === 'open',
    isMerged: json.merged === true,
    branch: isOwn ? textOf(head.ref) : null,
    head: textOf(head.sha),
    into: textOf(base.ref),
    title: textOf(json.title),
    body: textOf(json.body),
  };
}

/** Name of an account; `null` where there is none. */
export const loginOf = (user: unknown): string | null => {
  const { login } = (user ?? {}) as { readonly login?: unknown };
  return typeof login === 'string' && login !== '' ? login : null;
};
