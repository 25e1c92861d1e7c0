import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigEntry } from '../../model/git/environment.js';
import { readSettings, settingsWithout, TRANSPORT_SETTINGS } from '../../model/git/remotes.js';
import type { Repository } from '../../model/run/options.js';
import { git, transportAccess, type GitAnswer, type GitOptions } from './git.js';

/** How long a remote may take. */
export const FETCH_MS = 60_000;

export interface Scratch {
  /** An empty bare repository. */
  readonly folder: string;
  /** Git there, which reaches the remote of the repository that this is for as a run does. */
  readonly own: (args: readonly string[], more?: GitOptions) => Promise<GitAnswer>;
}

/** Does something in an empty repository, which is removed again. */
export async function inScratch<T>(
  { transport, checkout }: Pick<Repository, 'transport' | 'checkout'>,
  work: (scratch: Scratch) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-look-'));
  try {
    const { config, variables } = await transportAccess(transport);
    await git(['init', '--quiet', '--bare', '--template=', folder], { cwd: folder });
    const ofCheckout = checkout === null ? [] : await settingsOf(checkout, folder);
    const access = { config: [...ofCheckout, ...config], variables: { GIT_DIR: folder, ...variables } };
    return await work({
      folder,
      own: (args, more = {}) => git(args, { cwd: folder, access, timeoutMs: FETCH_MS, ...more }),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** How a checkout reaches its remotes, as far as that does not hold in another folder by itself: as the worker takes it over. */
async function settingsOf(checkout: string, folder: string): Promise<readonly ConfigEntry[]> {
  const [own, everywhere] = await Promise.all(
    [checkout, folder].map(async (cwd) =>
      readSettings((await git(['config', '--null', '--get-regexp', TRANSPORT_SETTINGS], { cwd })).stdout),
    ),
  );
  return settingsWithout(own ?? [], everywhere ?? []);
}
