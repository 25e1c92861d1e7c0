import { readableFlakeLock } from '../../../model/flake-lock/parse.js';
import { nodesBelow, sourceOf, wishedSources, type Source } from '../../../model/flake-lock/sources.js';
import { asksForSubmodules } from '../../../model/flake-lock/submodules.js';
import type { LockNode } from '../../../model/flake-lock/types.js';
import { readSource } from '../commands.js';
import { runNix } from '../run-nix.js';
import type { AskedFlake } from './asked.js';
import { boundsFor } from './bounds.js';
import { wholeWishes, type InputWish } from '../flake-file.js';
import { submoduleSources } from './submodules.js';

/** What an input brings along, as its own files say. */
export type Brought =
  | { readonly kind: 'nothing' }
  /** Not all of it may be known: what its inputs bring along in turn is in its lock, or nowhere. */
  | { readonly kind: 'sources'; readonly sources: readonly Source[]; readonly submodules: readonly Source[] }
  | { readonly kind: 'unknown' };

/**
 * Reads `flake.nix` and `flake.lock` of an input as data. Nothing that they name is fetched.
 * @param wish what the owner's `flake.nix` says of it: inputs for which it names another source are not asked for
 */
export async function lookInto(
  { locked, flake }: LockNode,
  wish: InputWish,
  about: Pick<AskedFlake, 'nix' | 'rules' | 'signal' | 'proxy'>,
): Promise<Brought> {
  if (locked === null) return { kind: 'nothing' };
  const { nix, signal, proxy } = about;
  const { own } = about.rules;
  const submodules = asksForSubmodules(wish) ? await submoduleSources(locked, about) : [];
  if (!flake) return asksForSubmodules(wish) ? { kind: 'sources', sources: [], submodules } : { kind: 'nothing' };
  const finished = await runNix('nix-instantiate', readSource(locked, nix), {
    signal,
    fetching: nix,
    passage: proxy.passage(),
    ...boundsFor(1),
  });
  if (finished.exitCode !== 0) return { kind: 'unknown' };
  const files = JSON.parse(finished.stdout) as { readonly flake: string | null; readonly lock: string | null };
  const found = files.flake === null ? null : await wholeWishes(files.flake);
  if (found === null) return { kind: 'unknown' };
  const { wishes, self } = found;
  const asksItself = self.submodules === true && !asksForSubmodules(wish);
  if (wishes.size === 0 && Object.keys(self).length === 0 && !asksForSubmodules(wish)) return { kind: 'nothing' };
  const overridden = Object.keys(wish.inputs ?? {});
  const asked = [...wishes].filter(([name]) => !overridden.includes(name));
  const lock = readableFlakeLock(files.lock);
  return {
    kind: 'sources',
    submodules: asksItself ? await submoduleSources(locked, about) : submodules,
    sources: asked.flatMap(([name, each]) => [
      ...wishedSources(each, own),
      ...(lock === null ? [] : nodesBelow(lock, name)).flatMap((node) =>
        node.locked === null ? [] : [sourceOf(node.locked, own)],
      ),
    ]),
  };
}
