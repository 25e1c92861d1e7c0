import {
  storeHash,
  storeName,
  type DerivationFile,
  type DerivationOutput,
  type InputDerivation,
} from '../../../model/nix/derivation-file.js';
import { readDerivation } from '../read-derivation.js';
import type { Rewrite } from './revision-text.js';

/** Pairs that are read and compared at once: enough to keep the disk busy, few enough to let heartbeats through. */
const BATCH = 32;

interface Pair {
  readonly candidate: string;
  readonly base: string;
}

/**
 * Whether two derivations give the same closure, the flake's own revision left out: systems hold `self.rev`, so every
 * commit has other hashes all the way up. Both graphs are walked from the top in lockstep: two derivations are the same
 * if their texts are, once the candidate's revision and the hashes of its inputs are rewritten to those of base, and if
 * their inputs are the same in turn. Inputs with equal output paths are the same whatever makes them. In doubt (inputs
 * that cannot be told apart by name, sources that differ, unknown kinds of derivations) the answer is that they differ.
 * Reads `.drv` files only; the first difference ends it.
 * @throws when a derivation is not in the store
 */
export async function sameClosure(candidateDrv: string, baseDrv: string, rewrite: Rewrite): Promise<boolean> {
  const seen = new Set<string>();
  let queue: readonly Pair[] = [{ candidate: candidateDrv, base: baseDrv }];
  while (queue.length > 0) {
    const next: Pair[] = [];
    for (let start = 0; start < queue.length; start += BATCH) {
      const batch = queue.slice(start, start + BATCH);
      const found = await Promise.all(batch.map((pair) => differingInputs(pair, rewrite)));
      for (const pairs of found) {
        if (pairs === null) return false;
        next.push(...pairs.filter((pair) => isNew(pair, seen)));
      }
    }
    queue = next;
  }
  return true;
}

function isNew(pair: Pair, seen: Set<string>): boolean {
  const key = `${pair.candidate}\n${pair.base}`;
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

/** The pairs that two derivations are the same under; `null` when nothing can make them the same. */
async function differingInputs(pair: Pair, rewrite: Rewrite): Promise<readonly Pair[] | null> {
  if (pair.candidate === pair.base) return [];
  const [candidate, base] = await Promise.all([readDerivation(pair.candidate), readDerivation(pair.base)]);
  // In doubt they differ.
  if (candidate === null || base === null) return null;
  if (sameOutputPaths(candidate.outputs, base.outputs)) return [];

  const pairs = pairInputs(candidate.inputDrvs, base.inputDrvs, rewrite);
  if (pairs === null) return null;
  const hashes = new Map<string, string>();
  if (!mapOutputs(candidate.outputs, base.outputs, hashes)) return null;
  for (const inputs of await Promise.all(pairs.map(readInputs))) {
    if (inputs === null || !mapOutputs(inputs.candidate.outputs, inputs.base.outputs, hashes)) return null;
  }
  for (const each of pairs) hashes.set(storeHash(each.candidate), storeHash(each.base));
  return sameText(candidate, base, (text) => rewrite(text, hashes)) ? pairs : null;
}

async function readInputs(pair: Pair): Promise<{ candidate: DerivationFile; base: DerivationFile } | null> {
  const [candidate, base] = await Promise.all([readDerivation(pair.candidate), readDerivation(pair.base)]);
  return candidate === null || base === null ? null : { candidate, base };
}

const sameOutputPaths = (candidate: readonly DerivationOutput[], base: readonly DerivationOutput[]): boolean =>
  candidate.length === base.length &&
  candidate.every(
    (each, index) => each.path !== '' && each.name === base[index]?.name && each.path === base[index].path,
  );

/** Pairs the inputs that only one side has by name and outputs; `null` when that is not possible without guessing. */
function pairInputs(
  candidate: readonly InputDerivation[],
  base: readonly InputDerivation[],
  rewrite: Rewrite,
): readonly Pair[] | null {
  const identity = (input: InputDerivation): string => [input.path, ...input.outputs].join('!');
  const inCandidate = new Set(candidate.map(identity));
  const inBase = new Set(base.map(identity));
  const onlyBase = base.filter((input) => !inCandidate.has(identity(input)));
  const onlyCandidate = candidate.filter((input) => !inBase.has(identity(input)));
  if (onlyBase.length !== onlyCandidate.length) return null;

  const byName = new Map(onlyBase.map((input) => [[storeName(input.path), ...input.outputs].join('!'), input.path]));
  const pairs = new Map<string, Pair>();
  for (const input of onlyCandidate) {
    const key = [rewrite(storeName(input.path), NO_HASHES), ...input.outputs].join('!');
    const other = byName.get(key);
    if (other === undefined) return null;
    pairs.set(key, { candidate: input.path, base: other });
  }
  return pairs.size === onlyBase.length ? [...pairs.values()] : null;
}

const NO_HASHES: ReadonlyMap<string, string> = new Map();

/** Notes which output hash of base stands for which of the candidate; false when the outputs are of another shape. */
function mapOutputs(
  candidate: readonly DerivationOutput[],
  base: readonly DerivationOutput[],
  hashes: Map<string, string>,
): boolean {
  if (candidate.length !== base.length) return false;
  return candidate.every((output, index) => {
    const other = base[index];
    if (other?.name !== output.name) return false;
    // Fixed outputs are their content: other content is a difference, however it came about.
    if (output.hashAlgorithm !== other.hashAlgorithm || output.hash !== other.hash) return false;
    if (output.path !== '' && other.path !== '') hashes.set(storeHash(output.path), storeHash(other.path));
    return (output.path === '') === (other.path === '');
  });
}

function sameText(candidate: DerivationFile, base: DerivationFile, rewritten: (text: string) => string): boolean {
  return (
    candidate.platform === base.platform &&
    rewritten(candidate.builder) === base.builder &&
    sameList(candidate.inputSrcs, base.inputSrcs) &&
    sameList(candidate.args.map(rewritten), base.args) &&
    candidate.env.size === base.env.size &&
    [...candidate.env].every(([name, value]) => {
      const other = base.env.get(name);
      return other !== undefined && (other === value || other === rewritten(value));
    })
  );
}

const sameList = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((item, index) => item === other[index]);
