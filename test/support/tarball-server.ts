import { readFile } from 'node:fs/promises';
import { run } from '../../activities/command/process.js';
import { withHttp } from './http.js';
import type { Scope } from './scope.js';

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
  const { url, server } = await withHttp(scope, (_, answer) => {
    if (!silent) answer.writeHead(200, { 'Content-Type': 'application/gzip' }).end(bytes);
  });
  return {
    url: `${url}/source.tar.gz`,
    fallSilent: () => {
      silent = true;
      server.closeIdleConnections();
    },
  };
}
