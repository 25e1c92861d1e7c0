import type { NixSettings } from '../../../model/run/options.js';
import type { LookedPath, NamedSet } from '../../../model/nix/names-expression.js';
import { pathsToLookUp } from '../../../model/targets/choose.js';
import { matchesWildcard } from '../../../model/text/wildcard.js';
import { candidateFlakeUrl } from '../../git/install-commit.js';
import { evaluateSets } from '../commands.js';
import { faultOf } from '../faults.js';
import { restricted } from '../restricted.js';
import { runNix, type NixOptions } from '../run-nix.js';
import type { FlakeAtCommit } from '../flake-file.js';
import { flakeFailure } from './flake-failure.js';

export type HowToLook = NixOptions;

/**
 * Looks up in a flake what patterns of targets may mean, in one evaluation. Errors that Nix does not let an expression catch end
 * all of it; then each set is evaluated by itself, so that only what is in a broken one is not known.
 * @throws retryable when the machine failed; `FlakeDoesNotParse` and the like when the flake has no outputs at all
 */
export async function lookUp(
  flake: FlakeAtCommit,
  nix: NixSettings,
  patterns: readonly string[],
  how: HowToLook,
): Promise<readonly NamedSet[]> {
  const url = candidateFlakeUrl(flake.mirror, flake.commit, flake.repository.dir);
  const settings = await restricted(flake, nix);
  const paths = pathsToLookUp(patterns);
  /** `null` when Nix gives up. */
  const evaluate = async (looked: readonly LookedPath[]): Promise<readonly NamedSet[] | null> => {
    const finished = await runNix('nix', evaluateSets(url, looked, settings), how);
    if (finished.exitCode === 0) return JSON.parse(finished.stdout) as NamedSet[];
    const isOutputs = looked.length === 1 && looked[0]?.path.length === 1;
    if (isOutputs || faultOf(finished) !== null) throw await flakeFailure(flake, finished);
    return null;
  };
  const found = await evaluate(paths);
  if (found !== null) return found;

  const names = new Map<string, Promise<readonly string[] | null>>();
  const namesOf = (path: readonly string[]): Promise<readonly string[] | null> => {
    const key = JSON.stringify(path);
    const known =
      names.get(key) ?? evaluate([{ path: [...path, '*'], whole: true }]).then((sets) => sets?.[0]?.names ?? null);
    names.set(key, known);
    return known;
  };
  const walk = async (path: readonly string[], [step = '', ...rest]: readonly string[]): Promise<NamedSet[]> => {
    const all = await namesOf(path);
    const meant = (all ?? []).filter((name) => matchesWildcard(step, name));
    if (rest.length === 0 || meant.length === 0) return [{ path, names: all }];
    const below: NamedSet[] = [];
    for (const name of meant) below.push(...(await walk([...path, name], rest)));
    return below;
  };
  const apart: NamedSet[] = [];
  for (const { path } of paths) apart.push(...(await walk([], path)));
  return apart;
}
