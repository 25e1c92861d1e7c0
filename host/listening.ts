import { readFile, readdir, readlink, stat } from 'node:fs/promises';
import { processIds } from './processes.js';
import { systemCode } from './errors.js';

/** A TCP socket, as proc_pid_net(5) lists it. */
interface TcpSocket {
  /** As `127.0.0.1:7233`; IPv6 in brackets, with all its digits. */
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  readonly account: number;
  readonly inode: string;
}

const LISTENING = '0A';
/** Connected, or on the way to it. */
const CONNECTED = ['01', '02'];

/** Where a process listens for TCP connections, in the network namespace of this one. */
export async function listensAt(pid: number): Promise<readonly string[]> {
  const [sockets, own] = await Promise.all([tcpSockets(), socketsOf(pid)]);
  return sockets.filter((each) => each.state === LISTENING && isOf(each, own)).map(({ local }) => local);
}

/** Where processes of this account are connected to, in the network namespace of this one. */
export async function connectedTo(pids: readonly number[]): Promise<readonly string[]> {
  const [sockets, ...own] = await Promise.all([tcpSockets(), ...pids.map(socketsOf)]);
  const found = sockets.filter(
    ({ state, inode }) => CONNECTED.includes(state) && own.some((each) => each?.has(inode) === true),
  );
  return [...new Set(found.map(({ remote }) => remote))];
}

/** Whether it is this very process that gets what is sent to an address of 127.0.0.0/8, and no other one that took the port. */
export const isListeningAt = async (pid: number, address: string): Promise<boolean> =>
  (await listensAt(pid)).includes(address);

/** A process that keeps its descriptors from its own account (proc_pid_fd(5)) is told by that account. */
const isOf = ({ inode, account }: TcpSocket, sockets: ReadonlySet<string> | null): boolean =>
  sockets === null ? account === process.getuid?.() : sockets.has(inode);

async function tcpSockets(): Promise<readonly TcpSocket[]> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  return tables.flatMap((table) =>
    table.split('\n').flatMap((line) => {
      const [, local = '', remote = '', state = '', , , , account, , inode = ''] = line.trim().split(/\s+/);
      if (inode === '' || !local.includes(':')) return [];
      return [{ local: addressOf(local), remote: addressOf(remote), state, account: Number(account), inode }];
    }),
  );
}

/** `0100007F:1C41` is 127.0.0.1:7233, on machines whose lowest byte comes first. IPv6 is four such numbers. */
function addressOf(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const numbers = (address.match(/.{8}/g) ?? []).map((each) => (each.match(/../g) ?? []).reverse());
  const isMapped = numbers.length === 4 && numbers.slice(0, 3).flat().join('') === MAPPED;
  const [v4] = isMapped ? numbers.slice(3) : numbers;
  const name =
    numbers.length === 1 || isMapped
      ? (v4 ?? []).map((byte) => Number.parseInt(byte, 16)).join('.')
      : `[${(numbers.flat().join('').match(/.{4}/g) ?? []).join(':').toLowerCase()}]`;
  return `${name}:${Number.parseInt(port, 16)}`;
}

/** The bytes before an IPv4 address in IPv6. */
const MAPPED = '00000000000000000000FFFF';

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
