import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../activities/command/process.js';
import { namespace } from './private-nix.js';
import { atEndOf, type Scope, withFolder } from './scope.js';

/**
 * The `ssh` of a machine that reaches one other: a Nix of another system, whose store is in the place of /nix there. It is
 * the last argument that is run. Newer Nix waits for a command that OpenSSH runs as soon as it has a connection.
 */
const SSH = `#!/bin/sh
echo called >>"$REMOTE_FOLDER/calls"
if [ -e "$REMOTE_FOLDER/off" ]; then
  echo 'ssh: connect to host remote port 22: No route to host' >&2
  exit 255
fi
for word; do
  case $word in -oLocalCommand=*) sh -c "\${word#*=}" ;; esac
done
export NIX_REMOTE= NIX_CONFIG="system = $REMOTE_SYSTEM
sandbox = false
build-users-group =
substituters ="
exec unshare ${namespace().join(' ')} sh -c 'mount --bind "$REMOTE_FOLDER/nix" /nix && exec sh -c "$1"' sh "$word"
`;

/** Another machine that the Nix of this one has build what it cannot build itself. */
export interface RemoteBuilder {
  /** What the environment of a process needs, so that its Nix has that machine: a program `ssh`, and `builders` in nix.conf. */
  readonly env: Readonly<Record<string, string>>;
  /** Its /nix. */
  readonly nix: string;
  /** How often somebody tried to reach it. */
  calls(): Promise<number>;
  switchOff(): Promise<void>;
  switchOn(): Promise<void>;
}

/** Opens such a machine, which can do the same as this one and says that it is of another system, until a scope is over. */
export async function withRemoteBuilder(scope: Scope, system: string): Promise<RemoteBuilder> {
  const folder = await withFolder(scope);
  const at = (name: string): string => path.join(folder, name);
  // A store's folders are read-only, also for their owner.
  atEndOf(scope, () => run('chmod', ['-R', 'u+w', '--', folder]));
  for (const name of ['bin', 'nix/store', 'nix/var/nix', 'nix/var/log/nix']) await mkdir(at(name), { recursive: true });
  await writeFile(at('bin/ssh'), SSH);
  await chmod(at('bin/ssh'), 0o755);
  return {
    env: {
      ...{ PATH: `${at('bin')}:${process.env.PATH ?? ''}`, REMOTE_FOLDER: folder, REMOTE_SYSTEM: system },
      NIX_CONFIG: `${process.env.NIX_CONFIG ?? ''}\nbuilders = ssh-ng://remote ${system} - 2 1`,
    },
    nix: at('nix'),
    calls: async () => (await readFile(at('calls'), 'utf8').catch(() => '')).split('\n').length - 1,
    switchOff: () => writeFile(at('off'), ''),
    switchOn: () => rm(at('off')),
  };
}
