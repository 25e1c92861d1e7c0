import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fleet } from './fleet.js';
import type { House } from './lockkeeper.js';
import type { NtfyServer } from './ntfy.js';

/**
 * Writes a configuration into a house, whose instances update one fleet and tell their topic where ntfy is there.
 * @param name of the configuration, its file and the topic
 * @param toml what follows its defaults; lines before the first table are defaults too
 * @returns the flag that names the file
 */
export async function writeInstances(
  house: House,
  { checkout }: Fleet,
  ntfy: NtfyServer | undefined,
  name: string,
  toml: string,
): Promise<readonly string[]> {
  const token = join(house.root, 'token');
  await writeFile(token, ntfy?.token ?? '', { mode: 0o600 });
  const file = join(house.root, `${name}.toml`);
  const told =
    ntfy === undefined ? '' : `ntfyServer = "${ntfy.url}"\nntfyTopic = "${name}"\nntfyTokenFile = "${token}"\n`;
  await writeFile(file, `name = "${name}"\n[defaults]\nrepoPath = "${checkout}"\ntimeZone = "UTC"\n${told}${toml}`);
  return ['--config', file];
}
