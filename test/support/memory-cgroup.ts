import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A control group for memory: of those in it that take more than its limit, the kernel kills one. See cgroups(7). */
export interface MemoryCgroup {
  /** Shell command by which a shell, and all that it starts, gets into the group. */
  readonly enter: string;
  readonly limit: (megabytes: number) => Promise<void>;
  /** How many of its processes were killed for memory so far. */
  readonly kills: () => Promise<number>;
  readonly remove: () => Promise<void>;
}

/** In version 1 and 2 of control groups: where groups are made, and the files of one. */
const VERSIONS = [
  {
    parent: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    events: 'memory.oom_control',
    noSwap: 'memory.swappiness',
  },
  { parent: '/sys/fs/cgroup', limit: 'memory.max', events: 'memory.events', noSwap: 'memory.swap.max' },
] as const;

/** Makes a group; a text says why none can be made here. */
export async function memoryCgroup(): Promise<MemoryCgroup | string> {
  const version = VERSIONS.find(({ parent }) => existsSync(parent));
  if (version === undefined) return 'no control groups';
  const group = path.join(version.parent, `lockkeeper-test-${process.pid}`);
  const file = (name: string): string => path.join(group, name);
  try {
    await mkdir(group);
    await writeFile(file(version.noSwap), '0');
  } catch (error) {
    await rmdir(group).catch(() => undefined);
    return `no control group for memory can be made: ${error instanceof Error ? error.message : String(error)}`;
  }
  return {
    enter: `echo $$ > ${file('cgroup.procs')}`,
    limit: (megabytes) => writeFile(file(version.limit), String(megabytes * 2 ** 20)),
    kills: async () => Number(/^oom_kill (\d+)$/m.exec(await readFile(file(version.events), 'utf8'))?.[1] ?? 0),
    remove: () => rmdir(group),
  };
}
