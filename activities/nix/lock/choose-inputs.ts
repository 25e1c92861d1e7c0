import { finalFailure } from '../../../model/run/failures.js';
import type { UpdateLockInput } from '../../../model/contract/lock.js';
import type { FlakeLock } from '../../../model/flake-lock/types.js';
import { groupsInTurn, type InputGroup } from '../../../model/run/input-groups.js';
import type { ActivityEnvironment } from '../../environment.js';
import { reportsOf } from '../../reports.js';
import type { FlakeAtCommit } from '../flake-file.js';
import { inputsToUpdate } from './inputs-to-update.js';

/** Inputs that are moved together. */
export interface Choice {
  readonly names: readonly string[];
  /** Whose turn it is; `null` when inputs do not take turns. */
  readonly group: InputGroup | null;
}

/**
 * What an update may move: the first of these choices of which something moves. There is more than one only where groups of
 * inputs take turns; whose turn it is, this machine's reports of earlier runs say.
 * @param lock of base; `null` when there is none
 * @throws `UnknownInput` as `inputsToUpdate`, for every input that is named; `NoInputs` when none is left
 */
export async function chooseInputs(
  env: ActivityEnvironment,
  flake: FlakeAtCommit,
  lock: FlakeLock | null,
  { repository, instance = '', inputs, excludeInputs = [], inputGroups }: UpdateLockInput,
): Promise<readonly Choice[]> {
  if (inputGroups !== undefined) {
    await inputsToUpdate(flake, lock, inputGroups.flat());
    const groups = groupsInTurn(inputGroups, await reportsOf(env, instance, repository));
    return groups.map((group) => ({ names: group, group }));
  }
  const names = await inputsToUpdate(flake, lock, inputs);
  if (excludeInputs.length === 0) return [{ names, group: null }];
  await inputsToUpdate(flake, lock, excludeInputs);
  const left = names.filter((name) => !excludeInputs.includes(name));
  if (left.length === 0)
    throw finalFailure(
      'NoInputs',
      `All inputs are excluded (${names.join(', ')}), so there is none to update: exclude fewer.`,
    );
  return [{ names: left, group: null }];
}
