import { attributesOf, exactProducts, readIdentifiers } from '../../../model/advisories/identifiers.js';
import type { Product } from '../../../model/advisories/products.js';
import type { Sides } from '../../../model/closure/by-package.js';
import {
  identifiersExpression,
  type AskedPackage,
  type PackageSets,
} from '../../../model/nix/identifiers-expression.js';
import { repositoryKey } from '../../../model/run/keys.js';
import type { NixSettings } from '../../../model/run/options.js';
import { DEFAULT_KIND, outputKinds, type FlakeTarget } from '../../../model/targets/index.js';
import type { AnyTarget, OutputKind } from '../../../model/targets/types.js';
import { messageOf } from '../../../model/text/message-of.js';
import { hasWildcard } from '../../../model/text/wildcard.js';
import type { CandidateSource } from '../../../model/verify/candidate.js';
import type { Distrust } from '../../../model/verify/distrust.js';
import type { ActivityEnvironment } from '../../environment.js';
import { nixErrorMessage } from '../../../host/nix/error-message.js';
import { candidateFlakeUrl, installBundle } from '../../git/install-commit.js';
import { evaluateData } from '../commands.js';
import { treatmentOf } from '../distrust.js';
import { acceptedSettings } from '../evaluate/evaluate-commit.js';
import { faultOf } from '../faults.js';
import { restricted } from '../restricted.js';
import { runNix, type NixFinished } from '../run-nix.js';
import { inBatches, type BatchLimits } from './in-batches.js';

export interface IdentifiersInput extends CandidateSource, Distrust {
  readonly target: FlakeTarget;
  readonly nix: NixSettings;
}

export interface Identifiers {
  readonly products: ReadonlyMap<string, readonly Product[]>;
  /** Why they could not be read, as a clause; `null` when they were. */
  readonly fault: string | null;
}

/** Packages that one evaluation asks for, and how long all of them may take: a host's packages without its configuration take seconds. */
const LIMITS: BatchLimits = { most: 500, limitMs: 2 * 60_000 };
/** Evaluations in a row that may fail before no further target is asked: what Nix cannot catch is often in the packages of all. */
const MOST_FAILURES = 3;
/** Candidates whose packages are remembered. */
const CANDIDATES = 20;

/**
 * What is known of one candidate: what its packages say of themselves, by store path, for its targets mostly share them; and why no
 * more is asked. It is lost with the process, and then asked again.
 */
interface Known {
  readonly byPath: Map<string, readonly Product[]>;
  /** Evaluations in a row that failed for what another try does not cure. */
  failures: number;
  gaveUp: string | null;
}
const candidates = new Map<string, Known>();

/**
 * Products that packages of a target say to be, by the names of the packages. What no target of the candidate has asked before is evaluated
 * as the candidate itself is: with the same sight of the machine and network. Of packages that are gone it
 * is base that is asked.
 */
export async function identifiersOf(
  env: ActivityEnvironment,
  input: IdentifiersInput,
  packages: ReadonlyMap<string, Sides>,
  signal: AbortSignal,
): Promise<Identifiers> {
  const known = knownOf(input);
  const pathsOf = ({ after, before }: Sides): readonly string[] =>
    (after.length > 0 ? after : before).map(({ path }) => path);
  const asked = [...packages].filter(([, sides]) => !pathsOf(sides).some((path) => known.byPath.has(path)));
  const fault = asked.length === 0 ? null : (known.gaveUp ?? (await askOrSay(env, input, asked, known, signal)));
  const products = [...packages].flatMap(([name, sides]) => {
    const found = pathsOf(sides).flatMap((path) => known.byPath.get(path) ?? []);
    return found.length === 0 ? [] : [[name, found] as const];
  });
  return { products: new Map(products), fault };
}

function knownOf({ repository, candidate }: IdentifiersInput): Known {
  const key = `${repositoryKey(repository)} ${repository.dir} ${candidate.base} ${candidate.head}`;
  const known = candidates.get(key) ?? { byPath: new Map<string, readonly Product[]>(), failures: 0, gaveUp: null };
  candidates.delete(key);
  candidates.set(key, known);
  for (const old of [...candidates.keys()].slice(0, -CANDIDATES)) candidates.delete(old);
  return known;
}

type Asked = readonly [name: string, sides: Sides];

/** Nothing fails for it, whatever keeps this machine from asking. */
async function askOrSay(...[env, input, packages, known, signal]: Parameters<typeof ask>): Promise<string | null> {
  try {
    return await ask(env, input, packages, known, signal);
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}

async function ask(
  env: ActivityEnvironment,
  input: IdentifiersInput,
  packages: readonly Asked[],
  known: Known,
  signal: AbortSignal,
): Promise<string | null> {
  const { candidate, repository, target } = input;
  const sets = setsOf(target);
  if (sets === null) return null;
  const mirror = await installBundle(env, input);
  const treatment = await treatmentOf(mirror, input);
  if (treatment.kind === 'refused') return treatment.why;
  const flake = { mirror, commit: candidate.head, repository };
  const base = { mirror, commit: candidate.base, repository };
  const accepted = await acceptedSettings(flake, treatment.nix);
  const options = [...accepted, ...treatment.nix.options];
  const settings = await restricted(base, await restricted(flake, { ...treatment.nix, options }));
  const side = (batch: readonly Asked[], commit: string, which: keyof Sides): string => {
    const asked = batch.filter(([, { after }]) => (which === 'after') === after.length > 0);
    const list = asked.map(([name, sides]) => askedPackage(name, sides[which]));
    const url = candidateFlakeUrl(mirror, commit, repository.dir);
    return list.length === 0 ? '[ ]' : `(${identifiersExpression(url, sets, list)})`;
  };
  return inBatches(packages, LIMITS, async (batch, leftMs) => {
    if (leftMs === 0) return (known.gaveUp = TOO_LONG);
    const expression = `${side(batch, candidate.head, 'after')} ++ ${side(batch, candidate.base, 'before')}`;
    const finished = await runNix('nix-instantiate', evaluateData(settings), {
      ...{ signal, input: expression, timeoutMs: leftMs, background: true, fetching: treatment.nix },
    });
    return finished.exitCode === 0 ? remember(known, batch, finished.stdout) : failed(known, finished);
  });
}

const TOO_LONG = `their evaluation took more than ${LIMITS.limitMs / 60_000} minutes`;

/** What packages say, and of the others that they say nothing. */
function remember(known: Known, packages: readonly Asked[], output: string): null {
  known.failures = 0;
  for (const { paths, cpes } of readIdentifiers(output))
    for (const path of paths) known.byPath.set(path, exactProducts(cpes));
  for (const [, { before, after }] of packages)
    for (const { path } of after.length > 0 ? after : before) if (!known.byPath.has(path)) known.byPath.set(path, []);
  return null;
}

/** One target may have packages of its own that fail; where several do, the others are not asked. */
function failed(known: Known, finished: NixFinished): string {
  if (finished.timedOut) return (known.gaveUp = TOO_LONG);
  const why = nixErrorMessage(finished.stderr);
  if (faultOf(finished) === null && ++known.failures >= MOST_FAILURES) known.gaveUp = why;
  return why;
}

const askedPackage = (name: string, paths: Sides['after']): AskedPackage => ({
  attributes: attributesOf(name, [...new Set(paths.flatMap(({ name: { version } }) => version ?? []))]),
  paths: paths.map(({ path }) => path),
});

/** Kinds whose targets stand below their systems. */
const BY_SYSTEM: readonly string[] = ['packages', 'checks', 'devShells', 'legacyPackages', 'hydraJobs'];

/** Where packages of a target are looked for; `null` of one that stands for several. */
function setsOf({ kind, name }: FlakeTarget): PackageSets | null {
  const of = outputKinds[kind] as OutputKind<AnyTarget>;
  const path = of.path(name);
  if (kind !== DEFAULT_KIND && path.some(hasWildcard)) return null;
  const [output = '', system = null] = path;
  return { holder: path.slice(0, of.looked(path)), system: BY_SYSTEM.includes(output) ? system : null };
}
