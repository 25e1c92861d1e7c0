import { connect, createSecureServer, type ServerHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { run } from '../../activities/command/process.js';

/** A Temporal server behind TLS, as clusters are: it wants a client's certificate or an API key. */
export interface FrontDoor {
  readonly address: string;
  /** Calls that were let in, by method, such as `StartWorkflowExecution`. */
  readonly calls: ReadonlySet<string>;
  close(): Promise<void>;
}

export interface Certificates {
  readonly authority: string;
  /** Paths of certificate and key, by name. */
  readonly of: (name: string) => { readonly certificate: string; readonly key: string };
}

/** Makes an authority, and a certificate of it for each name; `localhost` is one that clients believe of this machine. */
export async function makeCertificates(folder: string, names: readonly string[]): Promise<Certificates> {
  const of = (name: string) => ({
    certificate: path.join(folder, `${name}.pem`),
    key: path.join(folder, `${name}.key`),
  });
  const openssl = async (...args: readonly string[]): Promise<void> => {
    const made = await run('openssl', args);
    if (made.exitCode !== 0) throw new Error(`openssl ${args.join(' ')}: ${made.stderr}`);
  };
  const newKey = (name: string) => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    of(name).key,
  ];
  const authority = of('authority');
  await openssl(
    'req',
    '-x509',
    ...newKey('authority'),
    '-days',
    '2',
    '-subj',
    '/CN=authority',
    '-out',
    authority.certificate,
  );
  for (const name of names) {
    const signed = ['-CA', authority.certificate, '-CAkey', authority.key, '-addext', `subjectAltName=DNS:${name}`];
    const leaf = ['-addext', 'basicConstraints=critical,CA:FALSE', '-days', '2', '-subj', `/CN=${name}`];
    await openssl('req', '-x509', ...newKey(name), ...signed, ...leaf, '-out', of(name).certificate);
  }
  return { authority: authority.certificate, of };
}

/**
 * Stands before a server without TLS.
 * @param apiKey what callers have to show; `null` when they need a certificate of the authority instead
 */
export async function openFrontDoor(
  address: string,
  { authority, of }: Certificates,
  apiKey: string | null,
): Promise<FrontDoor> {
  const upstream = connect(`http://${address}`);
  const calls = new Set<string>();
  const { certificate, key } = of('localhost');
  const server = createSecureServer({
    ca: await readFile(authority),
    cert: await readFile(certificate),
    key: await readFile(key),
    requestCert: apiKey === null,
    rejectUnauthorized: apiKey === null,
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    if (apiKey !== null && headers.authorization !== `Bearer ${apiKey}`) refuse(stream);
    else {
      calls.add(headers[':path']?.split('/').at(-1) ?? '');
      pass(stream, headers);
    }
  });

  function pass(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const request = upstream.request({ ...headers, ':scheme': 'http' });
    let trailers: IncomingHttpHeaders = {};
    request.on('error', () => {
      stream.close();
    });
    request.on('trailers', (given: IncomingHttpHeaders) => {
      trailers = given;
    });
    request.on('response', (headers: IncomingHttpHeaders, flags) => {
      const answer = { ...headers };
      const END_STREAM = 1;
      if ((flags & END_STREAM) !== 0) stream.respond(answer, { endStream: true });
      else {
        stream.on('wantTrailers', () => {
          stream.sendTrailers(trailers);
        });
        stream.respond(answer, { waitForTrailers: true });
        request.pipe(stream);
      }
    });
    stream.on('close', () => {
      request.close(stream.rstCode);
    });
    stream.pipe(request);
  }

  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    address: `localhost:${(server.address() as AddressInfo).port}`,
    calls,
    close: async () => {
      upstream.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        resolve();
      });
    },
  };
}

const UNAUTHENTICATED = '16';
function refuse(stream: ServerHttp2Stream): void {
  const answer = { 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'Request unauthorized.' };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...answer }, { endStream: true });
}
