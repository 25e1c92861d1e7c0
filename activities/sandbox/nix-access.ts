import path from 'node:path';
import { exists } from '../../host/files.js';
import { isTrusted } from '../nix/configuration.js';

/** Folder of the socket by which Nix's daemon is reached. */
export const DAEMON_FOLDER = '/nix/var/nix/daemon-socket';

/**
 * Variables by which an agent uses Nix, never as a trusted user, who may do with the machine's store what root may: by the
 * daemon where the owner lets it and the daemon is known not to trust the worker's user, and otherwise in a store of the agent's
 * own, below its home.
 */
export async function nixVariables(
  home: string,
  mayAskDaemon: boolean,
): Promise<{ readonly NIX_REMOTE: string; readonly NIX_CONFIG: string }> {
  const viaDaemon = mayAskDaemon && (await exists(path.join(DAEMON_FOLDER, 'socket'))) && (await isTrusted()) === false;
  const flakes = 'extra-experimental-features = nix-command flakes';
  if (viaDaemon) return { NIX_REMOTE: 'daemon', NIX_CONFIG: flakes };
  // Users that build for others are the machine's.
  return { NIX_REMOTE: path.join(home, 'nix-store'), NIX_CONFIG: `${flakes}\nbuild-users-group =` };
}
