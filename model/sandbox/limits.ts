export interface SandboxLimits {
  /** Of all its processes together. */
  readonly memoryBytes: number;
  /** Processes, and threads of them. */
  readonly tasks: number;
  /** On the disk, in all folders that it may write to; no single file may be larger. */
  readonly diskBytes: number;
  /** Files and folders there. */
  readonly files: number;
}

const GIB = 1024 ** 3;

/** Usual limits: half of a machine, and no more than any agent needs. Memory and free disk are in bytes. */
export const usualLimits = (memoryBytes: number, freeBytes: number): SandboxLimits => ({
  memoryBytes: Math.floor(memoryBytes / 2),
  tasks: 2048,
  diskBytes: Math.min(20 * GIB, Math.floor(freeBytes / 2)),
  files: 1_000_000,
});

/** The program by which a process gets limits, and the package that brings it on most distributions. */
export const LIMIT_PROGRAM = { command: 'prlimit', owner: 'util-linux' } as const;

/** Where a user's own systemd can be reached, if there is one; for root that of the machine. */
export const managerOf = (uid: number): string =>
  uid === 0 ? '/run/systemd/system' : `/run/user/${uid}/systemd/private`;

/** A command in a scope of systemd: systemd-run(1). @param properties of systemd.resource-control(5) */
export function inScope(
  uid: number,
  id: string,
  properties: readonly string[],
  command: readonly string[],
): readonly string[] {
  // What it needs to find the user's manager is not for the command.
  const before = uid === 0 ? [] : [`XDG_RUNTIME_DIR=/run/user/${uid}`];
  const after = uid === 0 ? [] : ['env', '--unset=XDG_RUNTIME_DIR'];
  return [
    ...['env', ...before, 'systemd-run', ...(uid === 0 ? [] : ['--user'])],
    ...['--scope', '--quiet', '--collect', `--unit=${id}`],
    ...properties.map((each) => `--property=${each}`),
    ...['--', ...after, ...command],
  ];
}
