import type { Client } from '@temporalio/client';
import { resolve } from 'node:path';
import { deliver } from '../../host/hooks/deliver.js';
import { serveHooks } from '../../host/hooks/serve.js';
import { PrivateFileFault } from '../../host/secrets/private-file.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { greetServer } from '../server/connection.js';
import { message } from '../terminal/output.js';

export interface HookFlags {
  readonly secretFile: string;
  readonly address: string;
  readonly port: number;
}

/**
 * `lockkeeper hooks`: listens for webhooks of forges until it is asked to stop, and tells watchers and runs to look at what has changed.
 * It starts no server: while none answers, it says so to the forge.
 */
export async function hooks(context: CommandContext, { secretFile, address, port }: HookFlags): Promise<number> {
  const server = serverFinder(context);
  const file = resolve(secretFile);
  const stop = new Promise<void>((done) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.once(signal, () => {
        done();
      });
  });
  try {
    const served = await serveHooks({
      ...{ address, port, secretFile: file },
      deliver: async (event) => deliver(await server(), event),
      log: (text) => {
        message(`${new Date().toISOString()} ${text}`);
      },
    });
    message(`Listening for webhooks at ${served.url}`);
    await stop;
    await served.close();
    return 0;
  } catch (error) {
    if (error instanceof PrivateFileFault) throw new CommandError(`--secret-file ${file} ${error.message}.`);
    throw error;
  }
}

/** A connection that is kept for as long as the server stays where it is. */
function serverFinder(context: CommandContext): () => Promise<Client> {
  let last: { readonly address: string; readonly client: Promise<Client> } | null = null;
  return async () => {
    const found = last ?? (await greetServer(context));
    if (found === null) throw new Error('no server runs');
    last = found;
    try {
      const client = await found.client;
      await client.withDeadline(Date.now() + ANSWER_MS, () => client.workflowService.getSystemInfo({}));
      return client;
    } catch (error) {
      if (last === found) last = null;
      setTimeout(() => {
        void found.client.then((client) => client.connection.close()).catch(() => undefined);
      }, CLOSING_MS).unref();
      throw error;
    }
  };
}

const ANSWER_MS = 3000;
/** Calls of other events may still be tried again on a connection, and one that is closed then ends the process. All have ended by then. */
const CLOSING_MS = 60_000;
