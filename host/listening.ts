import { readFile, readdir, readlink, stat } from 'node:fs/promises';
import { processIds } from './processes.js';
import { systemCode } from './errors.js';

/** One that listens, as proc_pid_net(5) lists it for TCP. */
interface Listener {
  /** As `127.0.0.1:7233`; IPv6 in the kernel's own digits. */
  readonly address: string;
  readonly account: number;
  readonly inode: string;
}

const LISTENING = '0A';

/** Where a process listens for TCP connections, in the network namespace of this one. */
export async function listensAt(pid: number): Promise<readonly string[]> {
  const [listeners, own] = await Promise.all([allListeners(), socketsOf(pid)]);
  return listeners.filter((each) => isOf(each, own)).map(({ address }) => address);
}

/** Whether it is this very process that gets what is sent to an address of 127.0.0.0/8, and no other one that took the port. */
export const isListeningAt = async (pid: number, address: string): Promise<boolean> =>
  (await listensAt(pid)).includes(address);

/** A process that keeps its descriptors from its own account (proc_pid_fd(5)) is told by that account. */
const isOf = ({ inode, account }: Listener, sockets: ReadonlySet<string> | null): boolean =>
  sockets === null ? account === process.getuid?.() : sockets.has(inode);

async function allListeners(): Promise<readonly Listener[]> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  return tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      const [, local = '', , state, , , , account, , inode = ''] = line.trim().split(/\s+/);
      return state === LISTENING ? [{ address: addressOf(local), account: Number(account), inode }] : [];
    }),
  );
}

/** `0100007F:1C41` is 127.0.0.1:7233, on machines whose lowest byte comes first. */
function addressOf(local: string): string {
  const [address = '', port = ''] = local.split(':');
  const bytes = address.match(/../g) ?? [];
  const name =
    bytes.length === 4
      ? bytes
          .map((byte) => Number.parseInt(byte, 16))
          .reverse()
          .join('.')
      : `[${address}]`;
  return `${name}:${Number.parseInt(port, 16)}`;
}

/** Inodes of the sockets that a process has open; `null` when it may not be asked. */
async function socketsOf(pid: number): Promise<ReadonlySet<string> | null> {
  const folder = `/proc/${pid}/fd`;
  try {
    const names = await readdir(folder);
    const targets = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
    return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
  } catch (error) {
    return systemCode(error) === 'EACCES' ? null : new Set();
  }
}

/**
 * Pid of a process of this account that listens at an abstract address (unix(7)); `null` when none does, also where another account
 * has taken the name.
 * @param address with the null byte that begins it
 */
export async function ownListenerAt(address: string): Promise<number | null> {
  const table = await readFile('/proc/net/unix', 'utf8').catch(() => '');
  const shown = address.replace('\0', '@');
  const inodes = table.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    // Libuv may fill the name up with null bytes.
    return fields[7]?.replace(/@+$/, '') === shown && fields[6] !== undefined ? [fields[6]] : [];
  });
  if (inodes.length === 0) return null;
  for (const pid of await processIds()) {
    const found = await stat(`/proc/${pid}`).catch(() => null);
    if (found?.uid !== process.getuid?.()) continue;
    const sockets = await socketsOf(pid);
    if (inodes.some((inode) => sockets?.has(inode) === true)) return pid;
  }
  return null;
}
