import { readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { INFRASTRUCTURE_BACKOFF } from '../../../model/run/infrastructure.js';
import type { NixSettings } from '../../../model/run/options.js';
import { targetLabel, type FlakeTarget } from '../../../model/targets/index.js';
import type { ActivityEnvironment } from '../../environment.js';
import { exists, makeFolder } from '../../../host/files.js';
import { timeLimit } from '../../../host/time-limit.js';
import { candidateFlakeUrl } from '../../git/install-commit.js';
import { fetchFlake, instantiateTarget, type TreatedSettings } from '../commands.js';
import { mainOutput, parseDerivation } from '../../../model/nix/derivation-file.js';
import { nixErrorMessage } from '../../../host/nix/error-message.js';
import {
  ensureRoot,
  evaluationPlace,
  recall,
  recallFailure,
  remember,
  rememberFailure,
  type EvaluatedDerivation,
  type EvaluationPlace,
} from './evaluations.js';
import { faultOf, type Fault } from '../faults.js';
import { nixErrors, type NixError } from '../nix-errors.js';
import { flakeSettings, readFlakeFile, type FlakeAtCommit } from '../flake-file.js';
import { restricted } from '../restricted.js';
import { faultFailure, runNix, type NixFinished } from '../run-nix.js';
import { SharedWork } from './shared-work.js';
import { nixVersion } from '../version.js';

/** By then an evaluation waits for what was begun ahead of it, and keeps it; or nobody wants it any more, and it ends. */
const AHEAD_MS = 2000;

/**
 * Begins to fetch the source of a commit that will be evaluated next, while others work. What is wrong with it is for the
 * evaluation to say, and a fetch that this process does not outlive is done again.
 */
export function fetchAhead({ mirror, commit, repository }: FlakeAtCommit, nix: NixSettings): void {
  const url = candidateFlakeUrl(mirror, commit, repository.dir);
  fetchSource(url, nix, timeLimit(AHEAD_MS)).catch(() => undefined);
}

export interface CommitEvaluationInput {
  /** The commit is installed in the mirror. */
  readonly flake: FlakeAtCommit;
  readonly target: FlakeTarget;
  readonly nix: TreatedSettings;
  /** The run that keeps the derivation from collection. */
  readonly run: string;
  /** Tries so far, this one included: what looks like a fault of the network is the flake's own after a few. */
  readonly attempt: number;
  /** Whether a failure holds for the rest of the run. Only base: a person may ask for a target of a candidate again. */
  readonly failsForGood?: boolean;
  /** Whether worker and server come first for the processor, as they do before builds. */
  readonly background?: boolean;
}

export type CommitEvaluation =
  | ({ readonly kind: 'evaluated' } & EvaluatedDerivation)
  | {
      readonly kind: 'failed';
      readonly error: string;
      readonly log: string;
      /** What kept Nix from answering, until the last attempt; `null` when this is the flake's own answer. */
      readonly unanswered: Fault['kind'] | null;
    };

/** A host that is out of reach this often is a verdict, and a base that the machine fails this often is not known. */
const ATTEMPTS = 5;

const underWay = new SharedWork<CommitEvaluation>();

/** Commits whose source Nix is fetching, and those that it has: by URL. */
const fetching = new SharedWork<void>();
const fetched = new Set<string>();

/**
 * Lets Nix fetch a commit's source once, before its targets are evaluated side by side: each of them would fetch it again.
 * Whatever is wrong with the flake is for the evaluation to say.
 */
async function fetchSource(url: string, nix: TreatedSettings, signal: AbortSignal): Promise<void> {
  if (fetched.has(url)) return;
  await fetching.share(url, signal, async (shared) => {
    await runNix('nix-instantiate', fetchFlake(url, nix), { signal: shared, fetching: nix });
    fetched.add(url);
  });
}

/**
 * Evaluates a target of one commit, once a machine: what was found is kept as long as the store has the derivation, and
 * those who ask at the same time share one evaluation. Each run gets a GC root of its own; `releaseEvaluations` removes it.
 * A flake that does not evaluate is an answer.
 * @throws retryable when disk, memory, daemon or network failed, or a signal ended Nix; `NixUnusable`
 */
export async function evaluateCommit(
  env: ActivityEnvironment,
  input: CommitEvaluationInput,
  signal: AbortSignal,
): Promise<CommitEvaluation> {
  const { flake, target, nix } = input;
  const place = await placeOf(env, input);
  const known = await recall(place);
  if (known !== null) return { kind: 'evaluated', ...known };
  const failure = input.failsForGood === true ? await recallFailure(place) : null;
  if (failure !== null) return { kind: 'failed', error: failure, log: '', unanswered: null };

  const settings = await acceptedSettings(flake, nix);
  const evaluation = await underWay.share(place.record, signal, async (shared) => {
    await makeFolder(path.dirname(place.root));
    const url = candidateFlakeUrl(flake.mirror, flake.commit, flake.repository.dir);
    const accepted = { ...nix, options: [...settings, ...nix.options] };
    const args = instantiateTarget(target, url, place.root, await restricted(flake, accepted));
    await fetchSource(url, nix, shared);
    const finished = await runNix('nix-instantiate', args, {
      signal: shared,
      background: input.background ?? false,
      fetching: nix,
    });
    const found = finished.exitCode === 0 ? await readEvaluated(place.root) : null;
    if (found === null) return await failed(input, finished);
    await remember(place, found);
    return { kind: 'evaluated', ...found };
  });
  if (evaluation.kind === 'evaluated') await ensureRoot(place.root, evaluation.drvPath);
  else if (input.failsForGood === true && evaluation.unanswered === null)
    await rememberFailure(place, evaluation.error);
  return evaluation;
}

/** Where this machine keeps what it finds. */
export async function placeOf(
  env: ActivityEnvironment,
  { flake, target, nix, run }: Pick<CommitEvaluationInput, 'flake' | 'target' | 'nix' | 'run'>,
): Promise<EvaluationPlace> {
  const version = await nixVersion();
  // Impure evaluation may look at the clock: its answer holds for this run alone.
  const parts = [flake.repository.dir, target, nix, version.text, nix.impure ? run : null];
  return evaluationPlace(env.state, run, flake.commit, parts);
}

/** `nix-instantiate` does not look at a flake's `nixConfig`: settings that the owner accepts are passed as options. */
export async function acceptedSettings(flake: FlakeAtCommit, nix: NixSettings): Promise<NixSettings['options']> {
  if (!nix.acceptFlakeConfig) return [];
  const text = await readFlakeFile(flake);
  return text === null ? [] : ((await flakeSettings(text)) ?? []);
}

const MISSING_FILE =
  /^(?:opening|reading|getting)\b.* ['"](\/nix\/store\/[^'"/]+)[^'"]*['"]: No such file or directory$/;

/** A file that is missing is the flake's fault, unless the whole source was collected while Nix read it. */
async function lostSource(error: NixError | undefined): Promise<Fault | null> {
  const source = MISSING_FILE.exec(error?.message ?? '')?.[1];
  const lost = source !== undefined && !(await exists(source));
  return lost ? { kind: 'machine', what: 'the store lost a source meanwhile' } : null;
}

/** What a root holds; `null` when it was collected all the same: Nix misses roots of clients that left meanwhile. */
async function readEvaluated(root: string): Promise<EvaluatedDerivation | null> {
  const drvPath = await readlink(root);
  if (!(await exists(drvPath))) return null;
  const derivation = parseDerivation(await readFile(drvPath, 'utf8'));
  return { drvPath, outPath: mainOutput(derivation), system: derivation.platform };
}

/** Evaluation may need a build, whose builder can be killed as every other one: 2.8, then 2.34. */
const KILLED_BUILDER =
  /^(?:builder for '[^']+'|Cannot build '[^']+'\. Reason: builder) failed due to signal (?:9|15)\b/;

function killedBuilder(error: NixError | undefined): Fault | null {
  const told = [error?.message, error?.below[0]].join(' ');
  return KILLED_BUILDER.test(told) ? { kind: 'machine', what: 'a builder was killed' } : null;
}

const LOST_DERIVATION: Fault = { kind: 'machine', what: 'the store lost the derivation meanwhile' };

async function failed(input: CommitEvaluationInput, finished: NixFinished): Promise<CommitEvaluation> {
  const error = nixErrors(finished.stderr).at(-1);
  const fault =
    finished.exitCode === 0
      ? LOST_DERIVATION
      : (faultOf(finished) ?? killedBuilder(error) ?? (await lostSource(error)));
  const doing = `${targetLabel(input.target)} of commit ${input.flake.commit.slice(0, 12)} was not evaluated`;
  const { attempt } = input;
  const tries = fault === null ? 0 : triesOf(fault, input);
  if (fault !== null && attempt < tries) throw faultFailure(doing, fault, finished, { attempt, tries });
  const message = nixErrorMessage(finished.stderr);
  if (fault === null) return { kind: 'failed', error: message, log: finished.stderr, unanswered: null };
  const told = finished.stderr.trim() === '' ? fault.what : `${fault.what}: ${message}`;
  return { kind: 'failed', error: told, log: finished.stderr, unanswered: fault.kind };
}

/**
 * Tries after which a fault has the last word. What a run needs from the machine is tried as often as a build; a verdict waits
 * less for its comparison with base.
 */
function triesOf({ kind }: Fault, { failsForGood }: CommitEvaluationInput): number {
  return kind === 'network' || failsForGood === true ? ATTEMPTS : INFRASTRUCTURE_BACKOFF.length + 1;
}
