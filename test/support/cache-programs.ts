import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withFolder, type Scope } from './scope.js';

/**
 * Programs that speak the command lines of `cachix` and `attic`, which cannot be had here: they check their tokens, and let Nix fill and
 * sign a folder, as the servers do. `SERVED` is that folder, `SERVER_KEY` what the server signs with, `SERVER_TOKEN` what it accepts.
 */
const CACHIX = `#!/bin/sh
[ "$1" = push ] || { echo "Invalid argument \\\`$1'" >&2; exit 1; }
[ "$CACHIX_AUTH_TOKEN" = "$SERVER_TOKEN" ] || { echo 'You are not allowed to push to this cache: 401' >&2; exit 1; }
[ "$2" = mine ] || { echo "There is no cache $2" >&2; exit 1; }
shift 2
for each; do echo "compressing and pushing $each (1.00 KiB)" >&2; done
exec nix --extra-experimental-features nix-command copy --to "file://$SERVED?secret-key=$SERVER_KEY" "$@" >/dev/null 2>&1
`;
const ATTIC = `#!/bin/sh
[ "$1" = push ] || { echo "error: unrecognized subcommand '$1'" >&2; exit 2; }
[ "$2" = lockkeeper:fleet ] || { echo "Error: NoSuchCache: $2" >&2; exit 1; }
settings=$XDG_CONFIG_HOME/attic/config.toml
grep -q '^endpoint = "http' "$settings" || { echo 'Error: no endpoint' >&2; exit 1; }
token=$(cat "$(sed -n 's/^token-file = "\\(.*\\)"$/\\1/p' "$settings")")
[ "$token" = "$SERVER_TOKEN" ] || { echo 'Error: Unauthorized: Unauthorized.' >&2; exit 1; }
shift 2
exec nix --extra-experimental-features nix-command copy --to "file://$SERVED/fleet?secret-key=$SERVER_KEY" "$@" >/dev/null 2>&1
`;
const COMMAND = `#!/bin/sh
[ "$(cat "$LOCKKEEPER_TOKEN_FILE")" = "$SERVER_TOKEN" ] || { echo 'wrong token' >&2; exit 1; }
[ ! -e "$SERVED/idle" ] || exit 0
for each; do echo "sending $each"; done
if [ -e "$SERVED/hang" ]; then
  echo "$$" > "$SERVED/hang"
  while :; do sleep 1; done
fi
exec nix --extra-experimental-features nix-command copy --to "file://$SERVED?secret-key=$SERVER_KEY" "$@" >/dev/null 2>&1
`;

/** A folder with these programs. */
export async function withCachePrograms(scope: Scope): Promise<string> {
  const folder = await withFolder(scope);
  for (const [name, text] of Object.entries({ cachix: CACHIX, attic: ATTIC, upload: COMMAND })) {
    const file = path.join(folder, name);
    await writeFile(file, text);
    await chmod(file, 0o755);
  }
  return folder;
}
