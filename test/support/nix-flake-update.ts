import { atLeast } from '../../model/nix/version.js';
import { nixVersion } from '../../activities/nix/version.js';

/** Arguments of the `nix` on the PATH that update inputs of the flake in the current folder, as a person types them. */
export const updateArguments = async (names: readonly string[]): Promise<readonly string[]> =>
  atLeast(await nixVersion(), 2, 19)
    ? ['flake', 'update', '--', ...names]
    : ['flake', 'lock', ...names.flatMap((name) => ['--update-input', name])];
