import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { run } from '../../activities/command/process.js';
import { atEndOf, type Scope } from './scope.js';

/** A server of one tarball, on this machine. */
export interface TarballServer {
  /** Address of the tarball. */
  readonly url: string;
  /** From now on it takes connections and never answers. */
  readonly fallSilent: () => void;
}

/** Serves what is in a folder. */
export async function withTarball(scope: Scope, folder: string): Promise<TarballServer> {
  const archive = `${folder}.tar.gz`;
  const { exitCode, stderr } = await run('tar', [
    '-czf',
    archive,
    '-C',
    folder,
    '--transform',
    's,^\\./,source/,',
    '.',
  ]);
  if (exitCode !== 0) throw new Error(stderr);
  const bytes = await readFile(archive);
  let silent = false;
  const server: Server = createServer((_, answer) => {
    if (!silent) answer.writeHead(200, { 'Content-Type': 'application/gzip' }).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEndOf(scope, () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/source.tar.gz`,
    fallSilent: () => {
      silent = true;
      server.closeIdleConnections();
    },
  };
}
