import { oneLine } from '../../../model/text/one-line.js';
import { atLeast, type NixVersion } from '../../../model/nix/version.js';
import { nixUnusable } from '../version.js';
import { nestedSources, readFlakeFile, type FlakeAtCommit } from '../flake-file.js';

/**
 * Refuses a flake that this Nix cannot hold to its lock. Before 2.20 an input of an input to which `flake.nix` gives a source of
 * its own was asked for anew by every command: pure evaluation refuses that, and any other would verify what no lock says.
 * @throws `NixUnusable`
 */
export async function refuseNestedSources(flake: FlakeAtCommit, version: NixVersion): Promise<void> {
  if (atLeast(version, 2, 20)) return;
  const text = await readFlakeFile(flake);
  const [first] = text === null ? [] : await nestedSources(text);
  if (first === undefined) return;
  const option = first.map((name) => `inputs.${oneLine(name, 100)}`).join('.');
  throw nixUnusable(
    `flake.nix sets ${option}.url, and ${version.text} asks for such an input anew whatever the lock says. ` +
      `Install Nix 2.20 or newer, or make the source an input of the flake itself and set ${option}.follows`,
  );
}
