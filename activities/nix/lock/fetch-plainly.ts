import { boundsFor } from './bounds.js';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseFlakeLock } from '../../../model/flake-lock/parse.js';
import { asksForSubmodules, withoutSubmodules } from '../../../model/flake-lock/submodules.js';
import type { LockNode, SourceAttributes } from '../../../model/flake-lock/types.js';
import type { Finished } from '../../command/process.js';
import { nixString } from '../../../model/nix/text.js';
import { lockFlake } from '../commands.js';
import { runNix } from '../run-nix.js';
import type { AskedFlake } from './asked.js';
import type { InputWish } from '../flake-file.js';
import { readIfThere } from '../../../host/files.js';

/** Inputs as upstream has them now, by name, without what they bring along. */
export interface PlainInputs {
  readonly finished: Finished;
  readonly nodes: ReadonlyMap<string, LockNode>;
}

/**
 * Fetches inputs of a flake without their submodules and anything that they ask for themselves: they are locked by a flake of our own, in which none of
 * them is a flake.
 * @param folder empty; the flake is made there
 */
export async function fetchPlainly(
  wishes: ReadonlyMap<string, InputWish>,
  { folder, nix, signal, proxy }: Pick<AskedFlake, 'nix' | 'signal' | 'proxy'> & { readonly folder: string },
): Promise<PlainInputs> {
  const flake = path.join(folder, 'plain');
  await mkdir(flake);
  const inputs = [...wishes].map(
    ([name, wish]) => `  ${nixString(name)} = ${plainInput(name, withoutSubmodules(wish))};`,
  );
  await writeFile(
    path.join(flake, 'flake.nix'),
    ['{', ' inputs = {', ...inputs, ' };', ' outputs = inputs: { };', '}', ''].join('\n'),
  );
  const url = `path:${flake.split('/').map(encodeURIComponent).join('/')}`;
  const finished = await runNix('nix', [...lockFlake(nix), url], {
    cwd: flake,
    signal,
    fetching: nix,
    passage: proxy.passage(),
    ...boundsFor(wishes.size),
  });
  const text = finished.exitCode === 0 ? await readIfThere(path.join(flake, 'flake.lock')) : null;
  const nodes = text === null ? [] : [...parseFlakeLock(text).root.inputs];
  return {
    finished,
    nodes: new Map(
      nodes.flatMap(([name, edge]) =>
        edge.kind === 'node' ? [[name, asWished(edge.node, wishes.get(name) ?? {})] as const] : [],
      ),
    ),
  };
}

/** As the owner asks for it. The content that was fetched is another one than with submodules. */
function asWished({ locked, original, ...node }: LockNode, wish: InputWish): LockNode {
  const flake = wish.flake !== false;
  if (!asksForSubmodules(wish)) return { ...node, locked, original, flake };
  const without = (attributes: SourceAttributes | null, name: string): SourceAttributes =>
    new Map([...(attributes ?? [])].filter(([each]) => each !== name));
  return {
    ...node,
    flake,
    locked: without(without(locked, 'narHash'), 'submodules'),
    original: new Map([...without(original, 'submodules'), ['submodules', true]]),
  };
}

function plainInput(name: string, wish: InputWish): string {
  const source = Object.entries(wish).filter(([key]) => !['flake', 'follows', 'inputs'].includes(key));
  const attributes = source.length === 0 ? [['type', 'indirect'] as const, ['id', name] as const] : source;
  const lines = attributes.map(([key, value]) => `${nixString(key)} = ${literal(value)};`);
  return `{ ${[...lines, 'flake = false;'].join(' ')} }`;
}

const literal = (value: unknown): string => (typeof value === 'string' ? nixString(value) : JSON.stringify(value));

/** Whether an input can be fetched out of another flake: neither relative to its own nor another input. */
export function isFetchedAnywhere(wish: InputWish): boolean {
  if (wish.follows !== undefined) return false;
  const source = Object.entries(wish).filter(([key]) => !['flake', 'inputs'].includes(key));
  if (!source.every(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))) return false;
  if (typeof wish.url === 'string') return !isRelative(wish.url);
  return typeof wish.path !== 'string' || wish.path.startsWith('/');
}

function isRelative(url: string): boolean {
  const path = /^(?:path|(?:[a-z]+\+)?file):(?:\/\/)?(.*)$/is.exec(url)?.[1];
  return path === undefined ? /^(?:[.?#]|$)/.test(url) : !path.startsWith('/');
}
