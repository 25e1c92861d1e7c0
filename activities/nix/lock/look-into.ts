import { readableFlakeLock } from '../../../model/flake-lock/parse.js';
import { nodesBelow, sourceOf, wishedSources, type Source } from '../../../model/flake-lock/sources.js';
import type { LockNode } from '../../../model/flake-lock/types.js';
import type { NixSettings } from '../../../model/run/options.js';
import { readSource } from '../commands.js';
import { runNix } from '../run-nix.js';
import { boundsFor } from './bounds.js';
import { inputWishes, type InputWish } from '../flake-file.js';

/** What an input brings along, as its own files say. */
export type Brought =
  | { readonly kind: 'nothing' }
  /** Not all of it may be known: what its inputs bring along in turn is in its lock, or nowhere. */
  | { readonly kind: 'sources'; readonly sources: readonly Source[] }
  | { readonly kind: 'unknown' };

/**
 * Reads `flake.nix` and `flake.lock` of an input as data. Nothing that they name is fetched.
 * @param wish what the owner's `flake.nix` says of it: inputs for which it names another source are not asked for
 */
export async function lookInto(
  { locked, flake }: LockNode,
  wish: InputWish,
  { nix, own, signal }: { readonly nix: NixSettings; readonly own: readonly string[]; readonly signal: AbortSignal },
): Promise<Brought> {
  if (!flake || locked === null) return { kind: 'nothing' };
  const finished = await runNix('nix-instantiate', readSource(locked, nix), {
    signal,
    fetching: nix,
    ...boundsFor(1),
  });
  if (finished.exitCode !== 0) return { kind: 'unknown' };
  const files = JSON.parse(finished.stdout) as { readonly flake: string | null; readonly lock: string | null };
  const wishes = files.flake === null ? null : await inputWishes(files.flake);
  if (wishes === null) return { kind: 'unknown' };
  if (wishes.size === 0) return { kind: 'nothing' };
  const overridden = Object.keys(wish.inputs ?? {});
  const asked = [...wishes].filter(([name]) => !overridden.includes(name));
  const lock = readableFlakeLock(files.lock);
  return {
    kind: 'sources',
    sources: asked.flatMap(([name, each]) => [
      ...wishedSources(each, own),
      ...(lock === null ? [] : nodesBelow(lock, name)).flatMap((node) =>
        node.locked === null ? [] : [sourceOf(node.locked, own)],
      ),
    ]),
  };
}
