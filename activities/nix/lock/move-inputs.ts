import type { UnfetchedInput } from '../../../model/candidate.js';
import type { NixSettings } from '../../../model/run.js';
import type { Finished } from '../../process.js';
import { updateAll, updateInputs, type NixVersion } from '../commands.js';
import { nixErrorMessage } from '../error-message.js';
import { faultOf } from '../faults.js';
import { declaredInputs, readFlakeFile, type FlakeAtCommit } from './flake-file.js';
import { flakeFailure, isLockRefusal } from './flake-failure.js';
import { faultFailure, runNix } from '../run-nix.js';

export interface LockedTree {
  readonly flake: FlakeAtCommit;
  /** Folder of `flake.nix` in a work tree. Its `flake.lock` is what changes. */
  readonly directory: string;
  readonly version: NixVersion;
  readonly nix: NixSettings;
  /** Tries so far, this one included. */
  readonly attempt: number;
}

/** Nothing at all can be reached this often before the run is told so. */
const ATTEMPTS = 3;
const REASON_BYTES = 1000;

/**
 * Moves inputs in a work tree's lock to what upstream has now: all at once, and when that fails, because one dead input
 * fails it whole, one by one. Inputs that fail stay where they were.
 * @returns those that stayed, with Nix's reasons
 * @throws retryable when the machine is to blame, or the network for all of them; what `flakeFailure` names when no input
 *   is to blame
 */
export async function moveInputs(
  tree: LockedTree,
  wanted: { readonly all: boolean; readonly names: readonly string[] },
  signal: AbortSignal,
): Promise<readonly UnfetchedInput[]> {
  const { version, nix } = tree;
  const nixIn = async (args: readonly string[]): Promise<Finished> => {
    const finished = await runNix('nix', args, { cwd: tree.directory, signal, fetching: nix });
    const fault = finished.exitCode === 0 ? null : faultOf(finished);
    if (fault?.kind === 'machine') throw faultFailure('The lock was not updated', fault, finished);
    return finished;
  };
  const together = await nixIn(wanted.all ? updateAll(version, nix) : updateInputs(version, nix, wanted.names));
  if (together.exitCode === 0) return [];

  const failed: { readonly name: string; readonly finished: Finished }[] = [];
  for (const name of wanted.names) {
    const alone = !wanted.all && wanted.names.length === 1 ? together : await nixIn(updateInputs(version, nix, [name]));
    if (alone.exitCode !== 0) failed.push({ name, finished: alone });
  }
  if (failed.length === wanted.names.length) await blame(tree, together, failed.length);
  return failed.map(({ name, finished }) => ({
    name,
    reason: nixErrorMessage(finished.stderr, REASON_BYTES),
  }));
}

/** When not one input moved, something else may be wrong: throws unless only the inputs themselves can be to blame. */
async function blame(tree: LockedTree, finished: Finished, inputs: number): Promise<void> {
  const fault = faultOf(finished);
  if (fault !== null && tree.attempt < ATTEMPTS) throw faultFailure('No input could be fetched', fault, finished);
  if (fault !== null && inputs > 0) return;
  const text = await readFlakeFile(tree.flake);
  const readable = text !== null && (await declaredInputs(text)) !== null;
  if (!readable || inputs === 0 || isLockRefusal(nixErrorMessage(finished.stderr)))
    throw await flakeFailure(tree.flake, finished);
}
