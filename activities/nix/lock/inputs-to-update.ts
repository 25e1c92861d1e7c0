import { finalFailure } from '../../../model/run/failures.js';
import type { FlakeLock } from '../../../model/flake-lock/types.js';
import { rootInputs } from '../../../model/flake-lock/walk.js';
import { stripControl, truncate } from '../../../model/text/text.js';
import { declaredInputs, readFlakeFile, type FlakeAtCommit } from '../flake-file.js';

/**
 * Names of the root inputs that an update is about. Nix only warns about names that it does not know, so they are checked
 * here, against the lock first and `flake.nix` when the lock does not have them yet.
 * @param lock of base; `null` when there is none
 * @throws `UnknownInput` for a name that is not there, or that follows another input and so has nothing of its own to move
 */
export async function inputsToUpdate(
  flake: FlakeAtCommit,
  lock: FlakeLock | null,
  wanted: 'all' | readonly string[],
): Promise<readonly string[]> {
  const roots = lock === null ? [] : rootInputs(lock);
  const own = roots.filter(({ follows }) => follows === null).map(({ name }) => name);
  if (wanted === 'all') return lock === null ? declaredNames(flake) : own;
  const names = [...new Set(wanted)];
  const unknown = names.filter((name) => !own.includes(name));
  if (unknown.length === 0) return names;

  for (const name of unknown) {
    const follows = roots.find((root) => root.name === name)?.follows;
    if (follows === undefined || follows === null) continue;
    const leader = follows.length === 0 ? 'the flake itself' : follows.join('/');
    throw finalFailure('UnknownInput', `Input ${shown(name)} follows ${shown(leader)}: name that one instead.`);
  }
  const declared = await declaredNames(flake);
  const missing = unknown.filter((name) => !declared.includes(name));
  if (missing.length === 0) return names;
  const known = [...new Set([...own, ...declared.filter((name) => !roots.some((root) => root.name === name))])].sort();
  const list = known.length === 0 ? 'It has none.' : `It has: ${known.map(shown).join(', ')}.`;
  throw finalFailure('UnknownInput', `The flake has no input ${missing.map(shown).join(', ')}. ${list}`);
}

async function declaredNames(flake: FlakeAtCommit): Promise<readonly string[]> {
  const text = await readFlakeFile(flake);
  return text === null ? [] : ((await declaredInputs(text)) ?? []);
}

const shown = (name: string): string => truncate(stripControl(name), 100);
