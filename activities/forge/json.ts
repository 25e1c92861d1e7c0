import type { CommitStatus } from '../../model/report/forge/statuses.js';
import { forges } from '../../model/forge/index.js';
import { isRepositoryPath } from '../../model/forge/address.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { notOfItsKind } from './answers.js';
import type { Http, Reply } from './http.js';

/** An answer of a forge: its fields are checked where they are used. */
export type Json = Readonly<Record<string, unknown>>;

export function objectOf(forge: ForgeOptions, value: unknown): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw notOfItsKind(forge, 'something');
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export function numberOf(forge: ForgeOptions, value: unknown): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1) return number;
  throw notOfItsKind(forge, 'a pull request');
}

interface Listing {
  /** Pages that are read at most. */
  readonly most: number;
  /** Path of the page after one; `null`: there is none. Without it the forge says itself where a list goes on. */
  readonly next?: (page: number) => string | null;
}

/** Every entry of a list once. @param path of its first page */
export async function listAll(
  forge: ForgeOptions,
  http: Http,
  path: string,
  { most, next }: Listing,
): Promise<readonly Json[]> {
  const after = (reply: Reply): string | null =>
    reply.next === null ? null : `${path.replace(/\?.*/, '')}${reply.next}`;
  const found = new Map<string, Json>();
  let at: string | null = path;
  for (let page = 1; at !== null && page <= most; page += 1) {
    const reply: Reply = await http.call({ method: 'GET', path: at });
    // So Gitea ends the list of an issue's events.
    if (reply.json === null) break;
    if (!Array.isArray(reply.json)) throw notOfItsKind(forge, 'a list');
    const before = found.size;
    for (const each of reply.json) {
      const entry = objectOf(forge, each);
      found.set(String(entry.id), entry);
    }
    // A server that knows no pages gives the same again.
    if (found.size === before) break;
    at = next === undefined ? after(reply) : next(page);
  }
  return [...found.values()];
}

export function newestStatuses(all: readonly Json[], statusOf: (json: Json) => CommitStatus): readonly CommitStatus[] {
  const newest = new Map<string, readonly [id: number, status: CommitStatus]>();
  for (const each of all) {
    const [id, status] = [Number(each.id), statusOf(each)];
    if (id > (newest.get(status.context)?.[0] ?? -1)) newest.set(status.context, [id, status]);
  }
  return [...newest.values()].map(([, status]) => status);
}

/** Fails where the token may not do what every run needs. @param expects status codes of an answer to those who may */
export async function tryToOpen(forge: ForgeOptions, http: Http, expects: readonly number[]): Promise<void> {
  for (const { path, body, isNeeded } of forges[forge.kind].trials)
    if (isNeeded) await http.call({ method: 'POST', path, body, expects });
}

/** Name of the repository that the forge has sent us to; `null` when it has not moved. */
export async function movedTo(forge: ForgeOptions, http: Http): Promise<string | null> {
  if (!http.hasMoved()) return null;
  const { json } = await http.call({ method: 'GET', path: '' });
  const { name } = forges[forge.kind].access(objectOf(forge, json));
  return name !== null && isRepositoryPath(forge.kind, name) ? name : null;
}
