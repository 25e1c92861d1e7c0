import { storeHash } from './derivation-file.js';

/** What building a derivation has to do on one machine, as Nix says before it begins. */
export interface BuildPlan {
  readonly builds: number;
  /** Store paths to fetch from caches. */
  readonly fetches: number;
  /** Bytes that come over the network, and that they take in the store. Nix rounds them: to 10 KiB before 2.34. */
  readonly downloadBytes: number;
  readonly unpackedBytes: number;
}

/** The plan for what is in the store already. */
export const NOTHING_TO_DO: BuildPlan = { builds: 0, fetches: 0, downloadBytes: 0, unpackedBytes: 0 };

const BUILDS = /^(?:this|these (\d+)) derivations? will be built:$/;
const FETCHES =
  /^(?:this|these (\d+)) paths? will be fetched \((\d+(?:\.\d+)?) ([KMGTP]iB) download, (\d+(?:\.\d+)?) ([KMGTP]iB) unpacked\):$/;
const LISTED = /^ {2}(\/[^ ]+)$/;

/** Reads the plan that `nix-store --realise` prints before it begins, with or without `--dry-run`: Nix 2.8 to 2.34. */
export class PlanReader {
  #plan: BuildPlan | null = null;
  #inBuilds = false;
  readonly #derivations: string[] = [];

  take(line: string): void {
    const listed = LISTED.exec(line)?.[1];
    if (listed !== undefined) {
      if (this.#inBuilds) this.#derivations.push(listed);
      return;
    }
    const builds = BUILDS.exec(line);
    const fetches = FETCHES.exec(line);
    this.#inBuilds = builds !== null;
    if (builds !== null) this.#add({ builds: Number(builds[1] ?? 1) });
    if (fetches === null) return;
    const [, paths, download, downloadUnit, unpacked, unpackedUnit] = fetches;
    this.#add({
      fetches: Number(paths ?? 1),
      downloadBytes: bytes(download, downloadUnit),
      unpackedBytes: bytes(unpacked, unpackedUnit),
    });
  }

  /** What was read so far; `null` when Nix has said nothing, which it does when there is nothing to do. */
  plan(): BuildPlan | null {
    return this.#plan;
  }

  /** Derivations to build, of which a long log keeps all. */
  derivations(): readonly string[] {
    return this.#derivations;
  }

  #add(found: Partial<BuildPlan>): void {
    this.#plan = sumOf([this.#plan ?? NOTHING_TO_DO, { ...NOTHING_TO_DO, ...found }]);
  }
}

/** Plans together: what two of them share counts twice. */
export const sumOf = (plans: readonly BuildPlan[]): BuildPlan =>
  plans.reduce(
    (sum, each) => ({
      builds: sum.builds + each.builds,
      fetches: sum.fetches + each.fetches,
      downloadBytes: sum.downloadBytes + each.downloadBytes,
      unpackedBytes: sum.unpackedBytes + each.unpackedBytes,
    }),
    NOTHING_TO_DO,
  );

const bytes = (amount = '0', unit = 'KiB'): number =>
  Math.round(Number(amount) * 1024 ** (UNITS.indexOf(unit.slice(0, 1)) + 1));

const UNITS = 'KMGTP';

/** Digits of a derivation's hash that tell it from the others of a run: of 20,000 runs with 10,000 builds one counts too few. */
const DIGITS = 8;

/** Derivations as one text that is small enough to be carried through a run's history. */
export const packed = (derivations: Iterable<string>): string =>
  [...new Set([...derivations].map((drv) => storeHash(drv).slice(0, DIGITS)))].join('');

/** How many different derivations some packed lists hold together. */
export function countPacked(lists: readonly string[]): number {
  const all = new Set<string>();
  for (const list of lists) for (let at = 0; at < list.length; at += DIGITS) all.add(list.slice(at, at + DIGITS));
  return all.size;
}
