import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What a remote does that means harm, or has gone mad. */
export type Endless =
  | 'drip'
  | 'refs'
  | 'pack'
  | 'progress'
  | 'http-drip'
  | 'http-header'
  | 'http-refs'
  | 'http-error'
  | 'http-body'
  | 'push-drip'
  | 'http-push-drip';

export interface EndlessRemote {
  /** Address of a repository on it. */
  readonly url: string;
  /** Bytes that it could get rid of so far. */
  readonly sent: () => number;
}

const COMMIT = 'a'.repeat(40);

const packet = (text: string): Buffer => Buffer.from((text.length + 4).toString(16).padStart(4, '0') + text);
/** A packet of the side band: 1 holds the pack, 2 what is shown to people. */
const band = (number: number, data: Buffer): Buffer =>
  Buffer.concat([Buffer.from((data.length + 5).toString(16).padStart(4, '0')), Buffer.from([number]), data]);

/** One object of 2^40 bytes, which is stored and not compressed. */
const PACK_START = Buffer.concat([
  Buffer.from('PACK'),
  Buffer.from([0, 0, 0, 2, 0, 0, 0, 1]),
  Buffer.from([0xb0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x08]),
  Buffer.from([0x78, 0x01]),
]);
const PACK_BLOCK = Buffer.concat([Buffer.from([0, 0xf0, 0x7f, 0x0f, 0x80]), Buffer.alloc(0x7ff0, 'x')]);

/** Sends pieces for ever, as fast as they are taken. */
function flood(socket: Socket, next: () => Buffer): void {
  const more = (): void => {
    while (!socket.destroyed) if (!socket.write(next())) break;
  };
  socket.on('drain', more);
  more();
}

function drip(socket: Socket): void {
  const timer = setInterval(() => socket.write('0'), 200);
  socket.on('close', () => {
    clearInterval(timer);
  });
}

const many = (one: () => Buffer): Buffer => Buffer.concat(Array.from({ length: 500 }, one));

/** Names of branches, each another one. */
function refs(): () => Buffer {
  let number = 0;
  return () =>
    many(() => {
      number += 1;
      return packet(`${COMMIT} refs/heads/branch-${number}\n`);
    });
}

const FIRST_REF = packet(`${COMMIT} refs/heads/main\0side-band-64k ofs-delta shallow\n`);

const HTTP_OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n';

const PUSH_REF = packet(`${COMMIT} refs/heads/main\0report-status side-band-64k delete-refs ofs-delta\n`);
const FLUSH = Buffer.from('0000');

/** What each does with a connection, and with what came first on it. */
const BEHAVIOURS: Record<Endless, (socket: Socket, first: Buffer) => void> = {
  'push-drip': (socket) => {
    socket.write(Buffer.concat([PUSH_REF, FLUSH]));
    socket.once('data', () => {
      socket.write('fff0');
      drip(socket);
    });
  },
  'http-push-drip': (socket, first) => {
    if (first.toString('latin1').startsWith('GET ')) {
      const service = Buffer.concat([packet('# service=git-receive-pack\n'), FLUSH, PUSH_REF, FLUSH]);
      const head = `HTTP/1.1 200 OK\r\nContent-Type: application/x-git-receive-pack-advertisement\r\nConnection: close\r\n\r\n`;
      socket.end(Buffer.concat([Buffer.from(head), service]));
      return;
    }
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/x-git-receive-pack-result\r\n\r\nfff0');
    drip(socket);
  },
  drip: (socket) => {
    socket.write('fff0');
    drip(socket);
  },
  refs: (socket) => {
    socket.write(FIRST_REF);
    flood(socket, refs());
  },
  pack: (socket) => {
    afterWants(socket, () => {
      socket.write(band(1, PACK_START));
      flood(socket, () => band(1, PACK_BLOCK));
    });
  },
  progress: (socket) => {
    afterWants(socket, () => {
      flood(socket, () => band(2, Buffer.from(`${'Counting objects: 1'.repeat(1500)}\n`)));
    });
  },
  'http-drip': (socket) => {
    socket.write(`${HTTP_OK}\r\n001e# service=git-upload-pack\n0000fff0`);
    drip(socket);
  },
  'http-header': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    flood(socket, () => Buffer.from(`X-Endless: ${'x'.repeat(60_000)}\r\n`));
  },
  'http-refs': (socket) => {
    socket.write(`${HTTP_OK}\r\n`);
    socket.write('001e# service=git-upload-pack\n0000');
    socket.write(FIRST_REF);
    flood(socket, refs());
  },
  'http-error': (socket) => {
    socket.write('HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n\r\n');
    flood(socket, () => Buffer.alloc(60_000, 'no way\n'));
  },
  'http-body': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n');
    flood(socket, () => Buffer.alloc(60_000, 'x'));
  },
};

/** Offers one branch, and goes on when the other side has said what it wants. */
function afterWants(socket: Socket, then: () => void): void {
  socket.write(FIRST_REF);
  socket.write('0000');
  let heard = '';
  let done = false;
  socket.on('data', (data) => {
    heard += data.toString('latin1');
    if (done || !heard.includes('done\n')) return;
    done = true;
    socket.write(packet('NAK\n'));
    then();
  });
}

/** Lends a remote that answers for ever, in one of the ways of `BEHAVIOURS`. */
export async function withEndlessRemote<T>(how: Endless, work: (remote: EndlessRemote) => Promise<T>): Promise<T> {
  const sockets = new Set<Socket>();
  let gone = 0;
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      gone += socket.bytesWritten;
    });
    socket.on('error', () => undefined);
    socket.once('data', (first) => {
      BEHAVIOURS[how](socket, first);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const scheme = how.startsWith('http-') ? 'http' : 'git';
  try {
    return await work({
      url: `${scheme}://127.0.0.1:${port}/fleet.git`,
      sent: () => [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, gone),
    });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) =>
      server.close(() => {
        resolve();
      }),
    );
  }
}
