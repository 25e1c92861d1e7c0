import { exists } from '../../../host/files.js';
import { slots } from '../../../host/slots.js';
import { timeLimit } from '../../../host/time-limit.js';
import type { Closure } from '../../../model/closure/closure.js';
import type { NixSettings } from '../../../model/run/options.js';
import { requisitesOf } from '../evaluate/build-plan.js';
import { SharedWork } from '../evaluate/shared-work.js';
import { isCached } from './cached-paths.js';
import { closureReader } from './read-closure.js';

/** Packages that only one of two derivations would be built of. */
export interface DerivationsApart {
  readonly before: Closure;
  readonly after: Closure;
}

/** Derivations of base and candidate. */
type Pair = readonly [before: string, after: string];

/** Answers that are kept for comparisons to come: one of a large fleet that comes later than that is worked out again. */
const KEPT = 16;
const kept = new Map<string, DerivationsApart>();
const underWay = new SharedWork<DerivationsApart | null>();

/** Those that are worked out ahead at once, and how long that may take: builds need the machine more. */
const AHEAD_AT_ONCE = 2;
const AHEAD_MS = 5 * 60_000;
const inSlot = slots();

/**
 * Works out what differs between two derivations, while what the newer one makes is built: where the closure of base is neither here
 * nor in a cache, that is all that tells what changes. Nobody has to wait for it: what is wrong is for the comparison to say.
 * @param outPath what the derivation of base makes
 */
export async function lookAhead(outPath: string, pair: Pair, nix: NixSettings): Promise<void> {
  const signal = timeLimit(AHEAD_MS);
  const look = async (): Promise<void> => {
    if ((await exists(outPath)) || (await isCached(outPath, nix, signal))) return;
    const found = await share(pair, signal);
    if (found !== null) kept.set(keyOf(pair), found);
    for (const old of [...kept.keys()].slice(0, -KEPT)) kept.delete(old);
  };
  await inSlot(AHEAD_AT_ONCE, signal, look).catch(() => undefined);
}

/** What differs between two derivations; `null` where this machine lacks one of them. */
export async function derivationsApart(pair: Pair, signal: AbortSignal): Promise<DerivationsApart | null> {
  const key = keyOf(pair);
  const found = kept.get(key) ?? (await share(pair, signal));
  kept.delete(key);
  return found;
}

const keyOf = (pair: Pair): string => pair.join(' ');

const share = (pair: Pair, signal: AbortSignal): Promise<DerivationsApart | null> =>
  underWay.share(keyOf(pair), signal, async (shared) => {
    const [old, built] = await Promise.all(pair.map((each) => requisitesOf(each, shared)));
    if (old == null || built == null) return null;
    const { packagesOf } = closureReader(null, shared);
    const only = (own: ReadonlySet<string>, other: ReadonlySet<string>): Promise<Closure> =>
      packagesOf([...own].filter((each) => each.endsWith('.drv') && !other.has(each)));
    return { before: await only(old, built), after: await only(built, old) };
  });
