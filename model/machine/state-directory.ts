/** Layout of the state directory. Pure path arithmetic; every path is absolute. */
import { posix as path } from 'node:path';

export interface StateDirectory {
  readonly root: string;
  /** JSON `FormatRecord`: which version of this layout is here. */
  readonly format: string;
  /** Id of this machine, one line. */
  readonly machineId: string;
  /** JSON `WorkerRecord` of the worker that runs here. */
  readonly worker: string;
  readonly workerLog: string;
  readonly server: string;
  /** JSON `ServerRecord` of the embedded server. */
  readonly serverRecord: string;
  readonly serverDatabase: string;
  readonly serverLog: string;
  /** The secret that proves to the workers of the embedded server who may ask them for anything. */
  readonly runKey: string;
  /** JSON list: digests of what open runs held when the key was made; a server that is new then has none. */
  readonly beforeKey: string;
  /** One file a process that needs the embedded server or the shared worker: `users/<pid>`. */
  readonly clientProcesses: string;
  /** One JSON `LentRecord` a run of a server elsewhere that this machine helps with. */
  readonly lent: string;
  readonly mirrors: string;
  readonly work: string;
  readonly builds: string;
  readonly evaluations: string;
  /** GC roots of the newest closures of each target: `closures/<repository>/<target>/<hash>`. */
  readonly closures: string;
  /** Indexes of folders of advisories: `advisories/<key of the folder>/`. */
  readonly advisories: string;
  readonly reports: string;
  /** How the channels of repositories were seen last. */
  readonly channels: string;
  readonly times: string;
  /** Task tokens of the activities that this machine's worker runs right now. */
  readonly tasks: string;
  /** Locks between processes of this machine: see `lockFile`. */
  readonly locks: string;
  /** Empty; its time is that of the last time that a worker cleaned up. */
  readonly pruned: string;
}

export function stateDirectory(root: string): StateDirectory {
  const under = (...parts: string[]): string => path.join(root, ...parts);
  return {
    root,
    format: under('format.json'),
    machineId: under('machine-id'),
    worker: under('worker.json'),
    workerLog: under('worker.log'),
    server: under('server'),
    serverRecord: under('server', 'server.json'),
    serverDatabase: under('server', 'temporal.db'),
    serverLog: under('server', 'server.log'),
    runKey: under('server', 'run-key'),
    beforeKey: under('server', 'before-key.json'),
    clientProcesses: under('users'),
    lent: under('lent'),
    mirrors: under('mirrors'),
    work: under('work'),
    builds: under('builds'),
    evaluations: under('evaluations'),
    closures: under('closures'),
    advisories: under('advisories'),
    reports: under('reports'),
    channels: under('channels'),
    times: under('times'),
    tasks: under('tasks'),
    locks: under('locks'),
    pruned: under('pruned'),
  };
}

/** A kind of process of which a state directory has one. */
export type LockRole = 'worker' | 'server';

/** The lock of such a process. */
export const lockFile = ({ locks }: StateDirectory, role: LockRole): string => path.join(locks, role);

/** The default root: `$LOCKKEEPER_STATE_DIR`, `$STATE_DIRECTORY`, else XDG's; empty variables count as not set. */
export function defaultStateRoot(env: Readonly<Record<string, string | undefined>>): string {
  const own = [env.LOCKKEEPER_STATE_DIR, env.STATE_DIRECTORY?.split(':')[0]].find(
    (root) => root !== undefined && root !== '',
  );
  if (own !== undefined) return own;
  const xdg = env.XDG_STATE_HOME;
  if (xdg?.startsWith('/')) return path.join(xdg, 'lockkeeper');
  return path.join(env.HOME ?? '/root', '.local', 'state', 'lockkeeper');
}

/**
 * The file with the key of a server elsewhere: as it is given, else `$LOCKKEEPER_RUN_KEY_FILE`; `null` when none is named. A variable
 * that is empty counts as not set.
 */
export function runKeyFile(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  const named = given ?? env.LOCKKEEPER_RUN_KEY_FILE ?? '';
  return named === '' ? null : path.resolve(named);
}

/**
 * Why a folder is not to be worked in, as a sentence; `null` when it may. Where everybody may write, as in /tmp itself,
 * somebody else may have put links in the places of our files.
 * @param mode of the folder, as stat(2) gives it
 */
export const stateDirectoryFault = (root: string, mode: number): string | null =>
  (mode & 0o002) === 0
    ? null
    : `everybody may write to the state directory ${root}: name a folder of your own with --state-dir or $LOCKKEEPER_STATE_DIR`;

/**
 * Why nothing is to be started on a state directory; `null` when something may be. What root keeps in the folder of an
 * account is out of that account's reach.
 * @param self of this process, as `process.getuid` gives it
 */
export const foreignStateDirectory = (root: string, owner: number, self: number | undefined): string | null =>
  self !== 0 || owner === 0
    ? null
    : `the state directory ${root} belongs to user ${owner}, who could not use the files that root would make there: ` +
      `run this as that user (sudo -u '#${owner}' …), or name another folder with --state-dir or $LOCKKEEPER_STATE_DIR`;

/** Version of the layout and of the records in it. Higher when an earlier Lockkeeper would do harm there. */
export const STATE_FORMAT = 1;

export interface FormatRecord {
  readonly format: number;
  /** Version of the Lockkeeper that wrote it. */
  readonly version: string;
}

/**
 * Why this version does not touch what another one made, as a sentence; `null` when it may.
 * @param what was made
 * @param record of it; earlier versions wrote none
 */
export const newerFault = (what: string, record: Partial<FormatRecord> | null): string | null =>
  record?.format === undefined || record.format <= STATE_FORMAT
    ? null
    : `${what} was made by Lockkeeper ${record.version ?? '?'} (format ${record.format}), which is newer than this one (format ` +
      `${STATE_FORMAT}): use that version, or name another folder with --state-dir or $LOCKKEEPER_STATE_DIR`;

/** A process, told apart from a later one with the same pid by its boot and start time. */
export interface ProcessIdentity {
  readonly pid: number;
  /** `/proc/sys/kernel/random/boot_id` */
  readonly bootId: string;
  /** When the machine started, by its clock (`btime` in proc(5), seconds since 1970); earlier versions wrote none. */
  readonly bootTime?: number;
  /** Field 22 of `/proc/<pid>/stat`, clock ticks since boot. */
  readonly startTime: string;
}

type Boot = Pick<ProcessIdentity, 'bootId' | 'bootTime'>;

/**
 * Whether two processes are of one boot. Containers (LXC, systemd-nspawn) cover the boot id of the kernel, but not for a
 * service that systemd gives mounts of its own; and a clock that is set moves the time.
 */
export const isSameBoot = (one: Boot, other: Boot): boolean =>
  one.bootId === other.bootId ||
  (one.bootTime !== undefined && other.bootTime !== undefined && Math.abs(one.bootTime - other.bootTime) <= 1);

/** When the machine started, as `/proc/stat` has it. */
export const bootTimeIn = (stat: string): number => Number(/^btime (\d+)$/m.exec(stat)?.[1]);

export interface WorkerRecord extends ProcessIdentity {
  readonly machine: string;
  readonly version: string;
  /** Address and namespace that the worker is connected to. */
  readonly address: string;
  readonly namespace: string;
  readonly roles: readonly string[];
  /** The account whose runs alone it does; `null` or missing: those of nobody in particular. */
  readonly userQueue?: string | null;
  readonly systems: readonly string[];
  readonly slots: number;
  readonly evaluationSlots: number;
  readonly healthUrl: string | null;
  readonly ready: boolean;
}

/** Records of earlier versions have no format. */
export interface ServerRecord extends Partial<FormatRecord> {
  readonly keeper: ProcessIdentity;
  readonly server: ProcessIdentity;
  readonly address: string;
  readonly uiUrl: string;
  /** Where the server itself has its UI, behind the one that is shown; missing where that is one and the same, as of 0.1.0. */
  readonly uiBehind?: { readonly host: string; readonly port: number };
  readonly namespace: string;
}

/** Says that a command lent this machine to a run: its worker stays as long as the run needs it. */
export interface LentRecord {
  readonly run: string;
  /** The server that has the run. */
  readonly address: string;
  readonly namespace: string;
}

/** How the name of a folder ends that could not be removed, and was put aside: the time in milliseconds since 1970. */
export const LEFT_BEHIND = /\.left-\d{13}$/;
