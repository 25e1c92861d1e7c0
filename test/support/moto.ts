import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';
import { untilHealthy } from './healthy.js';
import { atEndOf, type Scope } from './scope.js';

/** The S3 server that tests use: `$LOCKKEEPER_TEST_MOTO`, else the one that set-up put below `.cache/`. */
const program =
  process.env.LOCKKEEPER_TEST_MOTO ??
  fileURLToPath(new URL('../../../.cache/tools/moto/bin/moto_server', import.meta.url));

/** Why tests with S3 cannot run here; `false` when they can, as node:test's `skip` wants it. */
export const motoMissing: string | false = existsSync(program)
  ? false
  : `no moto_server at ${program}: set LOCKKEEPER_TEST_MOTO`;

export interface S3Server {
  /** Address of a bucket that is there, with the parameters by which it is reached. */
  readonly bucket: string;
  /** Address of one that is not. */
  readonly noBucket: string;
  /** Kills it. */
  stop(): Promise<void>;
}

/**
 * A server that speaks S3, with a bucket that anybody may write to: Debian's Nix was built without what signs requests.
 */
export async function withS3(scope: Scope): Promise<S3Server> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn(program, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  const stop = async (): Promise<void> => {
    server.kill('SIGKILL');
    await ended;
  };
  atEndOf(scope, stop);
  await untilHealthy(`${url}/moto-api/`, 'moto', 60);
  const anybody = { Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::cache/*' };
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [anybody] });
  for (const [place, body] of [
    ['cache', ''],
    ['cache?policy', policy],
  ] as const) {
    const headers = { 'Content-Type': 'application/json' };
    const made = await fetch(`${url}/${place}`, { method: 'PUT', headers, body });
    if (!made.ok) throw new Error(await made.text());
  }
  const parameters = `endpoint=127.0.0.1:${port}&scheme=http&region=us-east-1`;
  return {
    bucket: `s3://cache?${parameters}`,
    noBucket: `s3://nowhere?${parameters}`,
    stop,
  };
}
