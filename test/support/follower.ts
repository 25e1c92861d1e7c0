import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, type Finished } from '../../activities/command/process.js';

const FOLLOW = fileURLToPath(new URL('../../../nix/follow/follow.sh', import.meta.url));

/** The profile goes to what the script has fetched; nothing is activated. */
const NIXOS_REBUILD = `#!/bin/sh
echo "$*" >>"$CALLS"
ln -sfn "$(readlink "$STATE_DIRECTORY/next")" "$FOLLOW_PROFILE"
`;

/** A host that follows its channel and builds nothing itself: `nixosModules.follow` with `requireCache`. */
export interface Follower {
  /** Environment of its Nix. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Pulls once. */
  readonly follow: (more?: Readonly<Record<string, string>>) => Promise<Finished>;
  /** The commit that it has applied. */
  readonly at: () => Promise<string>;
  /** Arguments of each call of nixos-rebuild. */
  readonly calls: () => Promise<readonly string[]>;
}

/**
 * @param folder an empty one of its own
 * @param env what its Nix is to know beside what this process does
 */
export async function openFollower(
  folder: string,
  about: {
    readonly flake: string;
    readonly host: string;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Follower> {
  const own = (name: string): string => path.join(folder, name);
  await mkdir(own('bin'));
  await mkdir(own('state'));
  await writeFile(own('bin/nixos-rebuild'), NIXOS_REBUILD);
  await chmod(own('bin/nixos-rebuild'), 0o755);
  await symlink('/nowhere', own('profile'));
  const env = {
    ...process.env,
    PATH: `${own('bin')}:${process.env.PATH ?? ''}`,
    XDG_CACHE_HOME: own('cache'),
    FOLLOW_FLAKE: about.flake,
    ...{ FOLLOW_HOST: about.host, FOLLOW_OPERATION: 'switch', FOLLOW_REQUIRE_CACHE: '1' },
    ...{ FOLLOW_PROFILE: own('profile'), FOLLOW_BOOTED: own('profile') },
    ...{ STATE_DIRECTORY: own('state'), CALLS: own('calls') },
    ...about.env,
  };
  return {
    env,
    follow: (more = {}) => run('bash', [FOLLOW], { env: { ...env, ...more }, timeoutMs: 240_000 }),
    at: async () => (JSON.parse(await readFile(own('state/applied.json'), 'utf8')) as { readonly rev: string }).rev,
    calls: async () => (await readFile(own('calls'), 'utf8')).trim().split('\n'),
  };
}
