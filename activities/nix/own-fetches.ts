import { sideBySide } from '../../host/side-by-side.js';
import { storeName, type DerivationFile } from '../../model/nix/derivation-file.js';
import type { TreatedSettings } from './commands.js';
import { buildPlan, requisitesOf } from './evaluate/build-plan.js';
import { readDerivation } from './read-derivation.js';
import { triedAgain } from './tried-again.js';

/** Derivations that are read at once. */
const BATCH = 64;

/**
 * Looks for a builder with the network of the machine that building a derivation would start and that does something which is new: that
 * of a fetch of which only the expected content has changed does what it did before.
 * @param known gives a derivation whose builders are known, if there is one
 * @returns name of the first; `null` when there is none
 * @throws retryable when Nix cannot tell what it would build
 */
export async function firstOwnFetch(
  drvPath: string,
  known: () => Promise<string | null>,
  nix: TreatedSettings,
  signal: AbortSignal,
): Promise<string | null> {
  const plan = await buildPlan(drvPath, nix, signal);
  if (plan === null) throw triedAgain(`Nix cannot tell what it would build for ${storeName(drvPath)}`);
  const derivations = plan.derivations();
  // Of a very long list the middle is not kept: what it holds is not known.
  const builds = plan.plan()?.builds ?? 0;
  if (derivations.length !== builds) return `one of ${builds} derivations`;
  const fetches = await fetchesAmong(derivations);
  if (fetches.length === 0) return null;
  const before = await known();
  const requisites = before === null ? null : await requisitesOf(before, signal);
  const all = [...(requisites ?? [])].filter((each) => each.endsWith('.drv'));
  const done = new Set((await fetchesAmong(all)).map(({ does }) => does));
  return fetches.find(({ does }) => !done.has(does))?.name ?? null;
}

interface Fetch {
  readonly name: string;
  readonly does: string;
}

async function fetchesAmong(derivations: readonly string[]): Promise<readonly Fetch[]> {
  const found = await sideBySide(derivations, BATCH, async (drv): Promise<Fetch | null> => {
    const file = await readDerivation(drv);
    // What a derivation of an unknown kind does is not known: it counts as a fetch that nothing else has done.
    if (file === null) return { name: storeName(drv), does: `unknown: ${drv}` };
    return hasNetwork(file) ? { name: storeName(drv), does: whatItFetches(file) } : null;
  });
  return found.filter((fetch) => fetch !== null);
}

/**
 * Whether what builds a derivation has the network of the machine: its output has a hash, or Nix cannot say what it will be. All others
 * are built without one in Nix's sandbox.
 */
const hasNetwork = ({ outputs }: DerivationFile): boolean =>
  outputs.some(({ path, hash }) => hash !== '' || path === '');

/** What only says which content is expected. */
const EXPECTED = ['outputHash', 'outputHashAlgo'];

/** What such a derivation does, as one text: two that differ in the content that they expect, and in nothing else, have the same. */
function whatItFetches({ outputs, env, ...rest }: DerivationFile): string {
  const expected = new Set([...EXPECTED, ...outputs.map(({ name }) => name)]);
  const variables = [...env]
    .filter(([name]) => !expected.has(name))
    .map(([name, value]) => [name, name === '__json' ? withoutExpected(value) : value]);
  return JSON.stringify([rest, variables]);
}

function withoutExpected(json: string): unknown {
  const attributes = JSON.parse(json) as Record<string, unknown>;
  return Object.entries(attributes).filter(([name]) => !EXPECTED.includes(name));
}
