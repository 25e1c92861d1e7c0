import { createHash } from 'node:crypto';
import { readFile, readdir, readlink, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { StateDirectory } from '../../../model/machine/state-directory.js';
import type { ActivityEnvironment } from '../../environment.js';
import { rootDerivation } from '../commands.js';
import { runDirectoryName } from '../../../model/run/directory-name.js';
import { exists, makeFolder, writeWhole } from '../../../host/files.js';
import { sideBySide } from '../../../host/side-by-side.js';
import { runNix } from '../run-nix.js';

/**
 * What this machine knows of derivations that it evaluated, below `state.evaluations`:
 * - `commits/<commit>-<key>.json`: the derivation of one target with one set of options, as long as the store has it
 * - `runs/<run>/<commit>-<key>`: the GC root that keeps it there until the run is over
 */
export interface EvaluatedDerivation {
  readonly drvPath: string;
  readonly outPath: string;
  /** Nix system. */
  readonly system: string;
}

export interface EvaluationPlace {
  readonly record: string;
  readonly root: string;
}

/** @param parts everything besides the commit that decides what comes out */
export function evaluationPlace(state: StateDirectory, run: string, commit: string, parts: unknown): EvaluationPlace {
  const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
  return {
    record: path.join(state.evaluations, 'commits', `${commit}-${key}.json`),
    root: path.join(runRoots(state, run), `${commit.slice(0, 12)}-${key}`),
  };
}

const runRoots = (state: StateDirectory, run: string): string =>
  path.join(state.evaluations, 'runs', runDirectoryName(run));

/** What was found earlier, rooted for this run; `null` when the store does not have it. Renews the record's time. */
export async function recall(place: EvaluationPlace): Promise<EvaluatedDerivation | null> {
  const known = await readRecord(place.record);
  if (known === null || !(await exists(known.drvPath))) return null;
  const now = new Date();
  // The record was pruned just now; what it said is still true.
  await utimes(place.record, now, now).catch(() => undefined);
  return (await ensureRoot(place.root, known.drvPath)) ? known : null;
}

/** Keeps what was found. Written beside and renamed, so that nobody reads half of it. */
export const remember = (place: EvaluationPlace, found: EvaluatedDerivation): Promise<void> =>
  writeWhole(place.record, JSON.stringify(found));

/** Keeps the reason why a target did not evaluate, until the run is over. */
export async function rememberFailure(place: EvaluationPlace, error: string): Promise<void> {
  await makeFolder(path.dirname(place.root));
  await writeFile(failureFile(place), error, { mode: 0o600 });
}

export const recallFailure = (place: EvaluationPlace): Promise<string | null> =>
  readFile(failureFile(place), 'utf8').catch(() => null);

const failureFile = (place: EvaluationPlace): string => `${place.root}.failed`;

/** Keeps a derivation by a root of this run. Safe to repeat. @returns false when the store has lost the derivation */
export async function ensureRoot(root: string, drvPath: string): Promise<boolean> {
  if ((await readlink(root).catch(() => null)) === drvPath) return exists(drvPath);
  await makeFolder(path.dirname(root));
  return (await runNix('nix-instantiate', rootDerivation(drvPath, root))).exitCode === 0;
}

/** Whether an evaluation of a run keeps a derivation in this machine's store, which it still has. */
export const isRooted = async ({ root }: EvaluationPlace, drvPath: string): Promise<boolean> =>
  (await readlink(root).catch(() => null)) === drvPath && (await exists(drvPath));

/** Records that are looked at side by side. */
const AT_ONCE = 32;

/** Gives up what one run kept from collection, and forgets what the store has lost meanwhile. Safe to repeat. */
export async function releaseEvaluations(env: ActivityEnvironment, run: string): Promise<void> {
  await rm(runRoots(env.state, run), { recursive: true, force: true });
  const commits = path.join(env.state.evaluations, 'commits');
  await sideBySide(await readdir(commits).catch(() => []), AT_ONCE, async (name) => {
    const record = path.join(commits, name);
    if (name.endsWith('.json') && (await isLost(record))) await rm(record, { force: true });
  });
}

/** Whether the derivation that a record is about is gone from the store, or the record says nothing. */
export async function isLost(record: string): Promise<boolean> {
  const known = await readRecord(record);
  return known === null || !(await exists(known.drvPath));
}

async function readRecord(file: string): Promise<EvaluatedDerivation | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as EvaluatedDerivation;
  } catch {
    // Cut off by a full disk, for example: as good as none.
    return null;
  }
}
