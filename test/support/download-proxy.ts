import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { makeCertificates } from './front-door.js';

/** What becomes of a tunnel: it is closed, it is never opened, or a handler answers in the name of the server. */
export type Answer = 'refuse' | 'silence' | RequestListener;

/** A proxy that answers for the servers of the internet. */
export interface DownloadProxy {
  /** Variables that send a program through it, and make the program believe its certificate. */
  readonly variables: Readonly<Record<string, string>>;
  /** Name of the server that was asked for last. */
  readonly askedFor: () => string | null;
  close(): Promise<void>;
}

/** @param host name of the server in the certificate, which is made in `folder` */
export async function openDownloadProxy(folder: string, host: string, answer: Answer): Promise<DownloadProxy> {
  const { authority, of } = await makeCertificates(folder, [host]);
  const [cert, key] = await Promise.all([readFile(of(host).certificate), readFile(of(host).key)]);
  const origin = createSecureServer({ cert, key }, typeof answer === 'function' ? answer : undefined);
  await once(origin.listen(0, '127.0.0.1'), 'listening');
  const sockets = new Set<Socket>();
  let askedFor: string | null = null;
  const proxy = createServer().on('connect', ({ url }, near: Socket) => {
    sockets.add(near.on('error', () => undefined));
    askedFor = url?.split(':')[0] ?? null;
    if (answer === 'refuse') near.destroy();
    if (typeof answer !== 'function') return;
    const far = connect((origin.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    sockets.add(far);
    near.write('HTTP/1.1 200 Connection established\r\n\r\n');
    near.pipe(far).pipe(near);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return {
    variables: {
      HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      SSL_CERT_FILE: authority,
    },
    askedFor: () => askedFor,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      for (const server of [proxy, origin]) await new Promise((done) => server.close(done));
    },
  };
}
