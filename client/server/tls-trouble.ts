import { connect, type TLSSocket } from 'node:tls';
import type { ConnectionOptions } from '@temporalio/client';
import { messageOf } from '../../model/text/message-of.js';

/** A server that wants a certificate says so only after it has been greeted: time for that, in milliseconds. */
const OBJECTION_MS = 500;
const LIMIT_MS = 2000;

/**
 * Why no TLS connection comes about, in OpenSSL's words: gRPC keeps that to itself and tries on until it may no longer.
 * @returns `null` when TLS is not used, or is not what is wrong
 */
export async function tlsTrouble(options: ConnectionOptions): Promise<string | null> {
  const { address = '', tls, apiKey } = options;
  if (tls === false || tls === null || (tls === undefined && apiKey === undefined)) return null;
  const given = tls === true || tls === undefined ? {} : tls;
  const { hostname: host, port } = new URL(`https://${address}`);
  const ca = given.serverRootCACertificate;
  const socket = connect({
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 443 : Number(port),
    servername: given.serverNameOverride ?? host,
    ALPNProtocols: ['h2'],
    ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
    ...(given.clientCertPair === undefined
      ? {}
      : { cert: Buffer.from(given.clientCertPair.crt), key: Buffer.from(given.clientCertPair.key) }),
  });
  try {
    return await firstObjection(socket);
  } finally {
    socket.destroy();
  }
}

const firstObjection = (socket: TLSSocket): Promise<string | null> =>
  new Promise((resolve) => {
    const within = (milliseconds: number): void => {
      setTimeout(resolve, milliseconds, null).unref();
    };
    socket.once('error', (error) => {
      const { reason } = error as Error & { readonly reason?: string };
      resolve(reason ?? messageOf(error));
    });
    socket.once('secureConnect', () => {
      within(OBJECTION_MS);
    });
    within(LIMIT_MS);
  });
