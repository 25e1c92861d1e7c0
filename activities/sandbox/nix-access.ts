import { userInfo } from 'node:os';
import path from 'node:path';
import { run } from '../process.js';
import { exists } from '../exists.js';

/** Folder of the socket by which Nix's daemon is reached. */
export const DAEMON_FOLDER = '/nix/var/nix/daemon-socket';

/**
 * Variables by which an agent uses Nix, never as a trusted user, who may do with the machine's store what root may: by the
 * daemon where the owner lets it and the daemon does not trust the worker's user, and otherwise in a store of the agent's own,
 * below its home.
 */
export async function nixVariables(
  home: string,
  mayAskDaemon: boolean,
): Promise<{ readonly NIX_REMOTE: string; readonly NIX_CONFIG: string }> {
  const viaDaemon = mayAskDaemon && (await exists(path.join(DAEMON_FOLDER, 'socket'))) && !(await isTrusted());
  const flakes = 'extra-experimental-features = nix-command flakes';
  if (viaDaemon) return { NIX_REMOTE: 'daemon', NIX_CONFIG: flakes };
  // Users that build for others are the machine's.
  return { NIX_REMOTE: path.join(home, 'nix-store'), NIX_CONFIG: `${flakes}\nbuild-users-group =` };
}

/** nix.conf(5), `trusted-users`: names, groups behind an `@`, and `*`. What cannot be told counts as trusted. */
async function isTrusted(): Promise<boolean> {
  const { uid, username } = userInfo();
  if (uid === 0) return true;
  const [shown, groups] = await Promise.all([
    run('nix', ['--extra-experimental-features', 'nix-command', 'show-config', '--json'], { timeoutMs: 10_000 }),
    run('id', ['-Gn'], { timeoutMs: 10_000 }),
  ]);
  const trusted = trustedUsers(shown.stdout);
  if (trusted === null) return true;
  const own = [
    username,
    '*',
    ...groups.stdout
      .trim()
      .split(/\s+/)
      .map((group) => `@${group}`),
  ];
  return trusted.some((name) => own.includes(name));
}

function trustedUsers(json: string): readonly string[] | null {
  try {
    const settings = JSON.parse(json) as Readonly<Record<string, { readonly value?: unknown } | undefined>>;
    const value = settings['trusted-users']?.value;
    return Array.isArray(value) ? value.map(String) : null;
  } catch {
    return null;
  }
}
