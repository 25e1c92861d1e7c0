import type { RefusedInput } from '../../../model/verify/candidate.js';
import { sameContent } from '../../../model/flake-lock/content.js';
import type { WaitingInput } from '../../../model/flake-lock/cooldown.js';
import { sameWish } from '../../../model/flake-lock/repointed.js';
import { unpermitted } from '../../../model/flake-lock/sources.js';
import type { FlakeLock, LockEdge, LockNode } from '../../../model/flake-lock/types.js';
import type { Finished } from '../../command/process.js';
import { INPUTS_AT_ONCE, type AskedFlake } from './asked.js';
import { coolDown, type Pin } from './cool-down.js';
import { fetchPlainly, isFetchedAnywhere } from './fetch-plainly.js';
import { lookInto } from './look-into.js';
import { sideBySide } from '../../../host/side-by-side.js';
import { permissionOf, refusedInput } from './new-sources.js';
import { unpermittedSubmodules } from './submodules.js';

export type SettledInputs =
  /** Upstream did not answer for one of them, or Nix did not get to ask. */
  | { readonly kind: 'failed'; readonly finished: Finished }
  | {
      readonly kind: 'settled';
      /** `null` when nothing was fetched. */
      readonly finished: Finished | null;
      /** The lock with those inputs for which nothing more is to be fetched, and without the others; `null` when it would be empty. */
      readonly lock: FlakeLock | null;
      /** Inputs that stay, because they would bring along what they are not permitted. */
      readonly refused: readonly RefusedInput[];
      /** Inputs whose newest revision is too new. */
      readonly waiting: readonly WaitingInput[];
      /** Those of them that move to an older one, where that is left to Nix. */
      readonly pins: ReadonlyMap<string, Pin>;
    };

/**
 * Fetches inputs as upstream has them, without what they ask for themselves, and looks into them. Those that ask for nothing are
 * settled; what others ask for is left to Nix, unless they say themselves that they are not permitted to.
 * @param place a private folder
 * @param lock that they are to be in
 */
export async function settleInputs(
  about: Pick<AskedFlake, 'nix' | 'rules' | 'signal' | 'proxy' | 'cooldown'>,
  place: string,
  lock: FlakeLock | null,
  names: readonly string[],
): Promise<SettledInputs> {
  const { rules } = about;
  const wishes = new Map([...rules.wishes].filter(([name, wish]) => names.includes(name) && isFetchedAnywhere(wish)));
  const plain = wishes.size === 0 ? null : await fetchPlainly(wishes, { ...about, folder: place });
  if (plain !== null && plain.finished.exitCode !== 0) return { kind: 'failed', finished: plain.finished };
  const cooled = await coolDown(about, plain?.nodes ?? new Map(), place);
  if (cooled.kind === 'failed') return cooled;

  const refused: RefusedInput[] = [];
  const inputs = new Map(lock?.root.inputs ?? []);
  const waits = new Set(cooled.waiting.filter(({ movesTo }) => movesTo === null).map(({ name }) => name));
  for (const name of names) if (!waits.has(name)) inputs.delete(name);
  const settle = async (name: string, node: LockNode): Promise<void> => {
    const was = lock?.root.inputs.get(name);
    const edge = await settled(name, node, was);
    if (edge !== null) inputs.set(name, edge);
  };
  const settled = async (name: string, node: LockNode, was: LockEdge | undefined): Promise<LockEdge | null> => {
    const before = was?.kind === 'node' ? was.node : null;
    const stays = before !== null && sameContent(before, node) && sameWish(before, node);
    if (stays) return before.inputs.size === 0 ? { kind: 'node', node: before } : null;
    const brought = await lookInto(node, rules.wishes.get(name) ?? {}, about);
    if (brought.kind === 'nothing') return { kind: 'node', node };
    if (brought.kind === 'unknown') return null;
    const submodules = await unpermittedSubmodules(about, name, brought.submodules);
    const sources = [
      ...unpermitted(brought.sources, permissionOf(rules, name)),
      ...new Set(submodules.map(({ text }) => text)),
    ];
    if (sources.length === 0) return null;
    refused.push(refusedInput(rules, name, sources, node));
    return was ?? null;
  };
  await sideBySide(cooled.nodes, INPUTS_AT_ONCE, ([name, node]) => settle(name, node));

  const isEmpty = lock === null && inputs.size === 0;
  return {
    kind: 'settled',
    finished: plain?.finished ?? null,
    lock: isEmpty ? null : { version: 7, root: { ...(lock?.root ?? EMPTY), inputs } },
    refused: refused.sort((one, other) => names.indexOf(one.name) - names.indexOf(other.name)),
    waiting: cooled.waiting,
    pins: new Map([...cooled.pins].filter(([name]) => !inputs.has(name))),
  };
}

const EMPTY: LockNode = { inputs: new Map(), locked: null, original: null, flake: true, parent: null };
