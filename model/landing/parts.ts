import type { InseparableInputs } from '../flake-lock/inseparable.js';
import type { InputGroup } from '../run/input-groups.js';

/** What has a request of its own in a run that proposes each input by itself. */
export interface Part {
  /** Root inputs that it moves. */
  readonly inputs: readonly string[];
  readonly branch: string;
}

/**
 * The requests of a run: one for each input, those together that can only move together or that the owner has put into one group.
 * A branch is named after the first input of its group, also when that does not move, so that it is the same one in each run.
 * @param moved those together that can only move together
 * @param branch what all branches begin with
 */
export function partsOf(
  moved: readonly InseparableInputs[],
  groups: readonly InputGroup[],
  branch: string,
): readonly Part[] {
  let clusters: readonly Cluster[] = [];
  for (const inputs of moved) {
    const own = groups.filter((group) => group.some((name) => inputs.includes(name))).flat();
    const names = [...own, ...inputs];
    const meets = ({ names: others }: Cluster): boolean => others.some((name) => names.includes(name));
    const met = clusters.filter(meets);
    const cluster = {
      names: [...met.flatMap((each) => each.names), ...names],
      inputs: [...met.flatMap((each) => each.inputs), ...inputs],
    };
    // In the place of the first.
    const at = met[0] === undefined ? clusters.length : clusters.indexOf(met[0]);
    clusters = [...clusters.slice(0, at), cluster, ...clusters.slice(at).filter((each) => !met.includes(each))];
  }
  const order = moved.flat();
  return clusters.map(({ names: [first = ''], inputs }) => ({
    inputs: order.filter((name) => inputs.includes(name)),
    branch: `${branch}-${branchPart(first)}`,
  }));
}

interface Cluster {
  /** Also of inputs that do not move. */
  readonly names: readonly string[];
  readonly inputs: readonly string[];
}

/** Longest name of an input in a branch or an id. */
const NAME_LENGTH = 80;

/**
 * An input's name as the end of a branch: another one for each input, that no branch has which is taken in the place of one.
 * What a branch cannot hold is written as `=HEX=`, and names that end as such branches do get a `=` at their end.
 */
export function branchPart(input: string): string {
  const safe = input.replaceAll(/[^A-Za-z0-9_.-]/gu, coded).replaceAll(/\.(?=\.|$|lock$)/g, coded);
  const plain = /(?:^|-)\d{6}(?:-\d)?$/.test(safe) ? `${safe}=` : safe;
  return plain.length <= NAME_LENGTH ? plain : `${plain.slice(0, NAME_LENGTH - 10)}=${digest(input)}`;
}

const coded = (character: string): string => `=${(character.codePointAt(0) ?? 0).toString(16)}=`;

/** FNV-1a: workflows have no hashes of Node's. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (const each of text) hash = Math.imul(hash ^ (each.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}

/** What a request is about that is not of the whole lock: root inputs of an instance. */
export interface RequestPart {
  readonly instance: string;
  readonly inputs: readonly string[];
}

/** What a run knows of the requests of single inputs when all of its own are there. */
export interface EachRequest {
  readonly instance: string;
  /** Whether it proposes all that moves in one request, which then has what requests of single inputs had; missing when not. */
  readonly together?: true;
  /** Its updates, and the request of each; `null`: it has none. */
  readonly parts: readonly { readonly inputs: readonly string[]; readonly request: number | null }[];
  readonly asked: 'all' | readonly string[];
  /** Inputs that may have something to move although no part moves them. */
  readonly unknown: readonly string[];
}

/** What becomes of an open request of inputs. */
export type Fate =
  | { readonly kind: 'stays' }
  /** Main has the newest revisions of those of its inputs that it still has. */
  | { readonly kind: 'done'; readonly inputs: readonly string[] }
  /** Main has none of its inputs any more. */
  | { readonly kind: 'gone' }
  /** What is left of it is in another one. */
  | { readonly kind: 'elsewhere'; readonly request: number };

const STAYS: Fate = { kind: 'stays' };

/** @param locked inputs that main's lock has; `null`: not known */
export function fateOf(
  { number, inputs: all }: { readonly number: number; readonly inputs: readonly string[] },
  { parts, asked, unknown }: EachRequest,
  locked: readonly string[] | null,
): Fate {
  if (parts.some(({ request }) => request === number)) return STAYS;
  const partWith = (input: string) => parts.find((each) => each.inputs.includes(input));
  const isUnknown = (input: string): boolean => unknown.includes(input) || (asked !== 'all' && !asked.includes(input));
  // What is new in flake.nix is in no lock of main yet.
  const isThere = (input: string): boolean =>
    locked === null || locked.includes(input) || partWith(input) !== undefined || isUnknown(input);
  const inputs = all.filter(isThere);
  if (inputs.length === 0) return { kind: 'gone' };
  let elsewhere: number | null = null;
  for (const input of inputs) {
    const part = partWith(input);
    if (part === undefined ? isUnknown(input) : part.request === null) return STAYS;
    elsewhere ??= part?.request ?? null;
  }
  return elsewhere === null ? { kind: 'done', inputs } : { kind: 'elsewhere', request: elsewhere };
}

/**
 * What becomes of an open request of all inputs when a run has proposed each by itself. Nobody refreshes it any more, so it goes as
 * soon as one of them has a request; which inputs it moves it does not say.
 */
export function fateOfWhole({ parts, asked, unknown }: EachRequest): 'stays' | 'done' | 'split' {
  if (asked !== 'all') return 'stays';
  if (parts.length === 0) return unknown.length === 0 ? 'done' : 'stays';
  return parts.some(({ request }) => request !== null) ? 'split' : 'stays';
}
