import type { Socket } from 'node:net';
import { plainHost } from '../model/checks/plain-host.js';

/** What a client of a SOCKS proxy (RFC 1928, 1929) wants to be connected to. */
export interface Asked {
  /** A name in lower case, or an address; IPv6 without brackets and in its one spelling: see `plainHost`. */
  readonly host: string;
  readonly port: number;
  /** That it gave. */
  readonly password: string;
}

export const ANSWERS = { done: 0, notAllowed: 2, unreachable: 4 } as const;

const VERSION = 5;
const WITH_PASSWORD = 2;
const CONNECT = 1;
const MOST_BYTES = 1024;

/** The last thing that a client hears before its connection goes through. */
export const reply = (answer: number): Buffer => Buffer.from([VERSION, answer, 0, 1, 0, 0, 0, 0, 0, 0]);

/**
 * What a client wants; `null` when it does not prove that it may ask, or wants something else.
 * @throws when it says too much, or ends */
export async function handshake(client: Socket, isKnown: (password: string) => boolean): Promise<Asked | null> {
  const read = reader(client);
  const [version, methods = 0] = await read(2);
  const offered = await read(methods);
  if (version !== VERSION || !offered.includes(WITH_PASSWORD)) return null;
  client.write(Buffer.from([VERSION, WITH_PASSWORD]));
  const [, nameLength = 0] = await read(2);
  await read(nameLength);
  const [passwordLength = 0] = await read(1);
  const password = (await read(passwordLength)).toString('latin1');
  const knows = isKnown(password);
  client.write(Buffer.from([1, knows ? 0 : 1]));
  if (!knows) return null;
  const [, command, , type] = await read(4);
  if (command !== CONNECT) return null;
  const host = await readHost(read, type);
  return host === null ? null : { host, port: (await read(2)).readUInt16BE(0), password };
}

async function readHost(read: (bytes: number) => Promise<Buffer>, type: number | undefined): Promise<string | null> {
  if (type === 1) return [...(await read(4))].join('.');
  if (type === 4) return plainAddress((await read(16)).toString('hex').replace(/(?<=.)(?=(?:.{4})+$)/g, ':'));
  if (type !== 3) return null;
  const [length = 0] = await read(1);
  const name = (await read(length)).toString('latin1').replace(/^\[(.*)\]$/, '$1');
  return name.includes(':') ? plainAddress(name) : plainHost(name);
}

const plainAddress = (address: string): string => plainHost(`[${address}]`).slice(1, -1);

/** Reads so many bytes, and leaves the rest to who comes after it. */
function reader(socket: Socket): (bytes: number) => Promise<Buffer> {
  let total = 0;
  return async (bytes) => {
    total += bytes;
    if (total > MOST_BYTES) throw new Error('too much');
    if (bytes === 0) return Buffer.alloc(0);
    for (;;) {
      const chunk = socket.read(bytes) as Buffer | null;
      if (chunk !== null) {
        if (chunk.length < bytes) throw new Error('ended');
        return chunk;
      }
      if (socket.destroyed || socket.readableEnded) throw new Error('ended');
      await new Promise<void>((resolve) => {
        const go = (): void => {
          for (const event of ['readable', 'end', 'close']) socket.off(event, go);
          resolve();
        };
        for (const event of ['readable', 'end', 'close']) socket.on(event, go);
      });
    }
  };
}
