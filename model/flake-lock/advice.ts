import { DAY_MS } from '../text/span.js';
import { textAttribute, type FlakeLock, type InputPath, type LockNode } from './types.js';
import { allInputs } from './walk.js';

/** What the owner of a flake may want to change about its inputs. */
export type Advice =
  /** A release of nixpkgs that a newer one follows. */
  | {
      readonly kind: 'release';
      readonly input: string;
      /** `25.11` */
      readonly release: string;
      readonly newest: string;
      /** `YYYY-MM-DD`: the last day of its support. */
      readonly supportedUntil: string;
    }
  /** Several copies of one input, because those that bring it along do not follow the flake's own. */
  | {
      readonly kind: 'copies';
      /** Name of the input, as its first copy has it. */
      readonly input: string;
      readonly copies: number;
      /** Paths of the first copies, such as `home-manager/nixpkgs`. */
      readonly paths: readonly string[];
      /** A line of flake.nix that takes one copy away; `null` where the flake itself has no such input. */
      readonly line: string | null;
    }
  /** An input whose newest revision is old. */
  | { readonly kind: 'still'; readonly input: string; /** `YYYY-MM-DD` */ readonly date: string };

/** Only what is said travels; the lock of a large flake may tell much. */
export const ADVICE_KEPT = 50;

const STILL_DAYS = 365;
const PATHS_TOLD = 5;
/** More is not advice, but noise. */
export const ADVICE_LIMIT = 5;

/**
 * What a lock tells about its inputs, the most urgent first: releases, copies by their number, and inputs that stand still.
 * @param asked root inputs whose newest revision was asked for: only those are known to stand still
 */
export function adviceOn(lock: FlakeLock, now: Date, asked: readonly string[]): readonly Advice[] {
  const roots = [...lock.root.inputs].flatMap(([name, edge]) =>
    edge.kind === 'node' ? [{ name, node: edge.node }] : [],
  );
  return [
    ...roots.flatMap(({ name, node }) => releaseAdvice(name, node, now)),
    ...copiesAdvice(lock),
    ...roots.filter(({ name }) => asked.includes(name)).flatMap(({ name, node }) => stillAdvice(name, node, now)),
  ];
}

function stillAdvice(input: string, { locked, original }: LockNode, now: Date): readonly Advice[] {
  const modified = locked?.get('lastModified');
  // Dates of folders are those of their files. An input with a revision in its address is meant to stay there.
  if (typeof modified !== 'number' || textAttribute(locked, 'type') === 'path') return [];
  if (textAttribute(original, 'rev') !== null || now.getTime() - modified * 1000 < STILL_DAYS * DAY_MS) return [];
  return [{ kind: 'still', input, date: dateOf(new Date(modified * 1000)) }];
}

const dateOf = (date: Date): string => date.toISOString().slice(0, 10);

/** A release is made at the end of May and of November, and is supported until a month after the next one. */
interface Release {
  readonly year: number;
  readonly month: 5 | 11;
}

const nameOf = ({ year, month }: Release): string => `${year - 2000}.${month === 5 ? '05' : '11'}`;
const releasedOn = ({ year, month }: Release): Date => new Date(Date.UTC(year, month, 0));
const supportedUntil = ({ year, month }: Release): string => (month === 5 ? `${year}-12-31` : `${year + 1}-06-30`);

/** The newest release on a day. */
function newestRelease(now: Date): Release {
  const year = now.getUTCFullYear();
  const made: readonly Release[] = [
    { year, month: 11 },
    { year, month: 5 },
  ];
  return made.find((release) => releasedOn(release) <= now) ?? { year: year - 1, month: 11 };
}

const RELEASE = /(?:^|[/-])(?:nixos|nixpkgs|release)-(\d\d)\.(05|11)(?:-[a-z0-9]+)?(?:[/?]|$)/;

function releaseAdvice(input: string, { original }: LockNode, now: Date): readonly Advice[] {
  if (original === null || !isNixpkgs(original)) return [];
  const place = textAttribute(original, 'ref') ?? textAttribute(original, 'url') ?? '';
  const [, year, month] = RELEASE.exec(place) ?? [];
  if (year === undefined) return [];
  const release: Release = { year: 2000 + Number(year), month: month === '05' ? 5 : 11 };
  const newest = newestRelease(now);
  if (releasedOn(release) >= releasedOn(newest)) return [];
  return [
    {
      kind: 'release',
      input,
      release: nameOf(release),
      newest: nameOf(newest),
      supportedUntil: supportedUntil(release),
    },
  ];
}

/** Also a channel's archive, and the registry's name. */
function isNixpkgs(original: NonNullable<LockNode['original']>): boolean {
  const [repo, id, url] = ['repo', 'id', 'url'].map((name) => textAttribute(original, name));
  return (
    repo === 'nixpkgs' ||
    id === 'nixpkgs' ||
    /\/nixpkgs(?:\.git)?(?:[/?]|$)|\/\/(?:channels\.)?nixos\.org\//.test(url ?? '')
  );
}

function copiesAdvice(lock: FlakeLock): readonly Advice[] {
  const copies = new Map<string, { readonly node: LockNode; readonly path: InputPath }[]>();
  const inputs = allInputs(lock).sort((one, other) => one.path.length - other.path.length);
  for (const { path, edge } of inputs) {
    const source = edge.kind === 'node' ? sourceOf(edge.node) : null;
    if (edge.kind !== 'node' || source === null) continue;
    const known = copies.get(source) ?? [];
    // A node that several inputs share is one copy.
    if (!known.some(({ node }) => node === edge.node)) copies.set(source, [...known, { node: edge.node, path }]);
  }
  return (
    [...copies.values()]
      // Several inputs of the flake itself are its owner's will.
      .filter((each) => each.length > 1 && each.some(({ path }) => path.length > 1))
      .sort((one, other) => other.length - one.length)
      .map((each) => {
        const paths = each.map(({ path }) => path);
        const own = paths.find((path) => path.length === 1);
        const nested = paths.find((path) => path.length > 1);
        return {
          kind: 'copies' as const,
          input: paths[0]?.at(-1) ?? '',
          copies: each.length,
          paths: paths.slice(0, PATHS_TOLD).map((path) => path.join('/')),
          line: own === undefined || nested === undefined ? null : followsLine(nested, own),
        };
      })
  );
}

const NAME = /^[A-Za-z_][\w'-]*$/;
const attribute = (name: string): string => (NAME.test(name) ? name : JSON.stringify(name).replaceAll('${', '\\${'));
const followsLine = (path: InputPath, own: InputPath): string =>
  `inputs.${path.map(attribute).join('.inputs.')}.follows = ${JSON.stringify(own.join('/'))};`;

/**
 * What is the same of all copies of an input; `null` for what has no name of its own. An input that asks for a release, a tag or a revision
 * wants another copy than those who ask for what is newest, whatever the branch of that is called.
 */
function sourceOf(node: LockNode): string | null {
  const place = placeOf(node);
  return place === null ? null : `${place}\0${seriesOf(node)}`;
}

/** Branches that hold what is newest. */
const NEWEST = /^(?:refs\/heads\/)?(?:main|master|HEAD|(?:nixos|nixpkgs)-unstable(?:-small)?)$/;

function seriesOf({ original }: LockNode): string {
  const [ref, rev] = [textAttribute(original, 'ref'), textAttribute(original, 'rev')];
  if (rev !== null) return rev;
  if (ref === null || NEWEST.test(ref)) return '';
  const [, year, month] = RELEASE.exec(ref) ?? [];
  return year === undefined || month === undefined ? ref : `${year}.${month}`;
}

function placeOf({ original, locked }: LockNode): string | null {
  for (const source of [original, locked]) {
    const [owner, repo, id, url] = ['owner', 'repo', 'id', 'url'].map((name) => textAttribute(source, name));
    if (owner != null && repo != null)
      return [textAttribute(source, 'type'), textAttribute(source, 'host') ?? '', owner, repo].join('\0').toLowerCase();
    if (id != null) continue;
    if (url != null && textAttribute(source, 'type') === 'git') return url.replace(/(?:\.git)?(?:[?#].*)?$/, '');
  }
  return null;
}
