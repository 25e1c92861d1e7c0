import { createPrivateKey, sign } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { run } from '../../activities/command/process.js';
import { withHttp } from './http.js';
import { withFolder, type Scope } from './scope.js';

/** A binary cache of a folder over HTTP, which takes PUT, as a real one does. */
export interface PutCache {
  readonly url: string;
  readonly folder: string;
  /** Status of each request whose method and path (`PUT /x.narinfo`) match, 0 to hang up; the first that does counts. */
  faults: readonly (readonly [RegExp, number])[];
  /** What it gives out of a narinfo in the place of what was uploaded; missing: that. */
  serves?: (narInfo: string) => string;
  /** `METHOD /path` of each request. */
  readonly asked: string[];
  /** `Authorization` of the newest request. */
  authorization(): string | null;
  /** Those of all requests. */
  readonly authorizations: Set<string>;
}

export async function withPutCache(scope: Scope): Promise<PutCache> {
  const folder = await withFolder(scope);
  let authorization: string | null = null;
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://cache');
    const what = `${request.method ?? ''} ${pathname}`;
    cache.asked.push(what);
    authorization = request.headers.authorization ?? null;
    if (authorization !== null) cache.authorizations.add(authorization);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const fault = cache.faults.find(([rule]) => rule.test(what));
    if (fault?.[1] === 0) {
      request.socket.destroy();
      return;
    }
    if (fault !== undefined) {
      response.writeHead(fault[1]).end();
      return;
    }
    const file = path.join(folder, pathname);
    if (request.method === 'PUT') {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, Buffer.concat(chunks));
      response.writeHead(201).end();
    } else if ((await stat(file).catch(() => null))?.isFile() === true) {
      const stored = await readFile(file);
      const content =
        cache.serves !== undefined && file.endsWith('.narinfo') ? Buffer.from(cache.serves(stored.toString())) : stored;
      response.writeHead(200, { 'Content-Length': content.length });
      response.end(request.method === 'HEAD' ? undefined : content);
    } else response.writeHead(404).end();
  };
  const { url } = await withHttp(scope, (request, response) => void serve(request, response));
  const cache: PutCache = {
    url,
    folder,
    faults: [],
    asked: [],
    authorization: () => authorization,
    authorizations: new Set(),
  };
  return cache;
}

/** What a cache adds that signs when it serves: a signature where there is none. @param secret as Nix writes it */
export function signedWhenServed(narInfo: string, secret: string): string {
  if (/^Sig: /m.test(narInfo)) return narInfo;
  const [name = '', base64 = ''] = secret.trim().split(':');
  const line = (field: string): string => new RegExp(`^${field}: (.*)$`, 'm').exec(narInfo)?.[1]?.trim() ?? '';
  const references = line('References')
    .split(' ')
    .filter((each) => each !== '');
  const text = [
    '1',
    line('StorePath'),
    line('NarHash'),
    line('NarSize'),
    references.map((each) => `/nix/store/${each}`).join(','),
  ];
  const seed = Buffer.from(base64, 'base64').subarray(0, 32);
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const signature = sign(
    null,
    Buffer.from(text.join(';')),
    createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }),
  );
  return `${narInfo.trimEnd()}\nSig: ${name}:${signature.toString('base64')}\n`;
}

/** A key that signs for a cache: its file, and the public half. */
export async function withSecretKey(
  scope: Scope,
  name = 'test-1',
): Promise<{ readonly file: string; readonly trusted: string }> {
  const folder = await withFolder(scope);
  const [file, publicFile] = [path.join(folder, 'secret'), path.join(folder, 'public')];
  await run('nix-store', ['--generate-binary-cache-key', name, file, publicFile]);
  return { file, trusted: (await readFile(publicFile, 'utf8')).trim() };
}
