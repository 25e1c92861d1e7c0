import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, type Finished } from '../../activities/command/process.js';
import { WITH_SHELL } from './agent.js';

/** A user and group that own nothing. */
export const NOBODY = 65534;

export interface PrivateNix {
  /** Folder with another Nix, to be put first on the PATH; `null`: the Nix of this machine. */
  readonly binDir: string | null;
  /**
   * Whether Nix is used as on NixOS: by a user without rights, through a daemon of root, who collects garbage all the time.
   */
  readonly daemon?: boolean;
  /** Whether builds are in Nix's sandbox, as the machine's own settings have it then; default: they are not. */
  readonly sandbox?: boolean;
  /** Room in the store; default: that of the disk. */
  readonly megabytes?: number;
}

const MAIN_JOB = fileURLToPath(new URL('main-job.js', import.meta.url));
/** Written by the set-up. */
const TEMPORAL_PATH = fileURLToPath(new URL('../../../.cache/temporal-path', import.meta.url));
const LIMIT_MS = 240_000;

/**
 * Puts a folder in the place of /nix and runs a command there. With a user id, the command is that user's: what belongs
 * to root is the store, a daemon, and one who collects garbage all the time. He takes what was garbage at two looks in a
 * row: Nix looks for permanent roots first, then for those of clients, and misses what goes over from one to the other
 * between the two. Files in the folder for temporary files have root kill what belongs to root: `kill-builders` the
 * builders, `kill-daemon` the daemon with all that it does, which is started again then.
 */
const INSIDE = `
store=$1 user=$2 megabytes=$3
shift 3
if [ -n "$megabytes" ]; then
  mount -t tmpfs -o "size=\${megabytes}m" none /nix && mkdir -p /nix/store /nix/var/nix /nix/var/log/nix || exit
else
  mount --bind "$store" /nix || exit
fi
[ -n "$user" ] || exec "$@"
# A store that two open for the first time at once is busy for one of them.
NIX_REMOTE= nix-store --init || exit
below() { cat /proc/"$1"/task/*/children; }
serve() {
  trap 'kill "$daemon"; exit' TERM
  while :; do
    HOME=/root nix-daemon >>/nix/daemon.log 2>&1 &
    daemon=$!
    while [ ! -e "$TMPDIR/kill-daemon" ]; do
      if [ -e "$TMPDIR/kill-builders" ]; then
        for client in $(below "$daemon"); do kill -9 $(below "$client"); done
        rm "$TMPDIR/kill-builders"
      fi
      sleep 0.2
    done
    kill -9 "$daemon" $(below "$daemon")
    rm "$TMPDIR/kill-daemon"
  done
}
serve &
server=$!
for turn in $(seq 200); do [ ! -S /nix/var/nix/daemon-socket/socket ] || break; sleep 0.1; done
# What the machine's own settings say, whatever else does: a user cannot ask a daemon for its sandbox.
if [ -n "$MACHINE_NIX_CONF" ] && [ -e /etc/nix/nix.conf ]; then
  printf '%s\\n' "$MACHINE_NIX_CONF" >/nix/nix.conf
  mount --bind /nix/nix.conf /etc/nix/nix.conf || exit
fi
collect() {
  while sleep 0.3; do
    mv /nix/dead /nix/seen
    # A process of another test may work in a folder whose path is longer than the system takes.
    nix-store --gc --print-dead >/nix/dead 2>/nix/gc.log || grep -q 'File name too long' /nix/gc.log || cp /nix/gc.log /nix/gc-failed
    nix-store --delete $(sort /nix/dead /nix/seen | uniq -d) >/nix/gc.log 2>&1
  done
}
touch /nix/dead
NIX_REMOTE= collect &
collector=$!
touch /nix/temporal
mount --bind "$TEMPORAL_CLI" /nix/temporal || exit
# For everybody, as on most machines.
if [ -e /dev/net/tun ] && mknod /nix/tun c 10 200; then chmod 666 /nix/tun; mount --bind /nix/tun /dev/net/tun; fi
TEMPORAL_CLI=/nix/temporal NIX_REMOTE=daemon setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"
code=$?
kill "$server" "$collector"
[ ! -e /nix/gc-failed ] || { cat /nix/gc-failed >&2; exit 1; }
[ "$code" -eq 0 ] || cat /nix/daemon.log >&2
exit "$code"
`;

/** Arguments of `unshare` for mounts of one's own; others than root become root of a user namespace for it. */
export const namespace = (): string[] => [process.getuid?.() === 0 ? '-m' : '-rm', '--propagation', 'private'];

/** Why no private /nix can be had here, as the reason to skip a test; `false` when it can. */
export async function noPrivateNix(): Promise<string | false> {
  const tried = await run('unshare', [...namespace(), 'mount', '--bind', tmpdir(), '/nix']);
  return tried.exitCode === 0 ? false : `no mount namespace with a /nix of its own: ${tried.stderr.trim()}`;
}

/** The same for a daemon and a user without rights. */
export async function noPrivateDaemon(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'only root can start a daemon for another user';
  for (const file of [MAIN_JOB, process.execPath]) {
    const tried = await run('setpriv', [...asUser(NOBODY), 'test', '-r', file]);
    if (tried.exitCode !== 0) return `user ${NOBODY} cannot read ${file}`;
  }
  return noPrivateNix();
}

export const asUser = (id: number): string[] => ['--reuid', String(id), '--regid', String(id), '--clear-groups', '--'];

/**
 * Runs a file of tests, by default those of `main-job.ts`, with a store of their own, which is removed afterwards.
 * @param names regular expression of the tests that are run; default: all
 */
export async function runPrivately(nix: PrivateNix, tests = MAIN_JOB, names = '.'): Promise<Finished> {
  const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-nix-'));
  const home = path.join(root, 'home');
  const store = path.join(root, 'nix');
  for (const folder of ['store', 'var/nix', 'var/log/nix']) await mkdir(path.join(store, folder), { recursive: true });
  await mkdir(path.join(home, 'tmp'), { recursive: true });
  await chmod(root, 0o755);
  const user = nix.daemon === true ? NOBODY : null;
  if (user !== null) for (const folder of [home, path.join(home, 'tmp')]) await chown(folder, user, user);
  try {
    return await run(
      'unshare',
      [
        ...namespace(),
        ...['sh', '-c', INSIDE, 'sh', store, user === null ? '' : String(user), String(nix.megabytes ?? '')],
        ...[process.execPath, '--test-reporter=spec', `--test-name-pattern=${names}`, tests],
      ],
      { env: await environment(nix, home), timeoutMs: LIMIT_MS },
    );
  } finally {
    // A store's folders are read-only, also for their owner.
    await run('chmod', ['-R', 'u+w', '--', root]);
    await rm(root, { recursive: true, force: true });
  }
}

/** The environment of this process with another Nix, caches and settings. Nothing outside of this machine is asked. */
async function environment(nix: PrivateNix, home: string): Promise<Record<string, string | undefined>> {
  const own = process.env;
  const sandbox =
    nix.sandbox === true ? ['sandbox = true', `${WITH_SHELL[0]} = ${WITH_SHELL[1]}`] : ['sandbox = false'];
  return {
    ...own,
    // Else the tests inside report in the runner's own binary protocol.
    NODE_TEST_CONTEXT: undefined,
    PATH: nix.binDir === null ? own.PATH : `${nix.binDir}:${own.PATH ?? ''}`,
    // The Nix that was first on the PATH outside.
    MACHINE_PATH: own.PATH,
    TEMPORAL_CLI: own.TEMPORAL_CLI ?? (await readFile(TEMPORAL_PATH, 'utf8')).trim(),
    HOME: home,
    TMPDIR: path.join(home, 'tmp'),
    XDG_CACHE_HOME: path.join(home, 'cache'),
    XDG_CONFIG_HOME: path.join(home, 'config'),
    NIX_REMOTE: undefined,
    MACHINE_NIX_CONF: nix.sandbox === true ? sandbox.join('\n') : '',
    NIX_CONFIG: [
      ...sandbox,
      // Nix kills whatever runs as a build user before it uses it: with the machine's own users, builds of another store.
      'build-users-group =',
      'substituters =',
      // Newer versions warn of it in every command, because flakes are not enabled here but by each command itself.
      'flake-registry =',
    ].join('\n'),
  };
}
