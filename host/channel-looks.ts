import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { lookKey, type ChannelLook } from '../model/channels/look.js';
import type { StateDirectory } from '../model/machine/state-directory.js';
import { hasFields, readJson, writeWhole } from './files.js';

const isLook = hasFields<ChannelLook>('repository', 'mainBranch', 'template', 'main', 'at', 'channels');

/** What tells looks apart, without what they found. */
type About = Parameters<typeof lookKey>[0];

const fileOf = ({ channels }: StateDirectory, about: About): string =>
  path.join(channels, `${createHash('sha256').update(lookKey(about)).digest('hex').slice(0, 16)}.json`);

/** How a repository's channels were seen last on this machine; `null` when they never were. */
export const readLook = (state: StateDirectory, about: About): Promise<ChannelLook | null> =>
  readJson(fileOf(state, about), isLook);

/** Keeps the newest look. The file is replaced as a whole, so that a repeat does no harm. */
export const keepLook = (state: StateDirectory, look: ChannelLook): Promise<void> =>
  writeWhole(fileOf(state, look), JSON.stringify(look));

/** All that this machine has seen of channels. It may be lost at any time. */
export async function readLooks(state: StateDirectory): Promise<readonly ChannelLook[]> {
  const names = (await readdir(state.channels).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
  const looks = await Promise.all(
    names.map((name) => readJson(path.join(state.channels, name), isLook).catch(() => null)),
  );
  return looks.filter((look) => look !== null);
}
