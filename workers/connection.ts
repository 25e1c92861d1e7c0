import { setTimeout as sleep } from 'node:timers/promises';
import * as envconfig from '@temporalio/envconfig';
import { NativeConnection, type NativeConnectionOptions } from '@temporalio/worker';
import { ensureServer } from '../host/embedded-server.js';
import { chooseServer, serverSecretFiles } from '../host/server-choice.js';
import type { StateDirectory } from '../model/machine/state-directory.js';

export interface ServerAddress {
  readonly embedded: boolean;
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | null;
  readonly options: NativeConnectionOptions;
  /** Files by which a server elsewhere knows who asks. */
  readonly secretFiles: readonly string[];
}

/** The server of Temporal's environment configuration if one is set, else the embedded one of this state directory. */
export async function findServer(state: StateDirectory): Promise<ServerAddress> {
  const choice = chooseServer(envconfig);
  const secretFiles = serverSecretFiles(envconfig);
  if (choice.kind === 'configured') {
    const { address, namespace, options } = choice;
    return { embedded: false, address, namespace, uiUrl: null, options, secretFiles };
  }
  const { address, uiUrl, namespace } = await ensureServer(state);
  return { embedded: true, address, namespace, uiUrl, options: { address }, secretFiles };
}

/** Time for a server to answer: one that is being restarted does within seconds. */
const CONNECT_LIMIT_MS = 4000;

/** Connects, trying again for a while. @throws Error that says what was tried and how to start a server */
export async function connect(server: ServerAddress): Promise<NativeConnection> {
  const deadline = Date.now() + CONNECT_LIMIT_MS;
  for (;;) {
    try {
      return await NativeConnection.connect(server.options);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (Date.now() >= deadline)
        throw new Error(
          `no Temporal server answers at ${server.address} (${reason(message)}), tried for ${CONNECT_LIMIT_MS / 1000} s. ` +
            'Start it ("temporal server start-dev"), correct TEMPORAL_ADDRESS or the profile, or unset them to use the embedded server.',
          { cause: error },
        );
      await sleep(500);
    }
  }
}

/** What is meant for people in the connection's own words, which are a structure of Rust's. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/valid authentication credentials|does not have permission/, 'it refuses this API key or certificate'],
  [/InvalidCertificate\((\w+)/, 'its certificate is not accepted: $1'],
  [
    /connection closed|connection reset|broken pipe|fatal alert/i,
    'it ends the connection, as one does that wants a certificate',
  ],
  [/Connection refused|dns error|timed out/i, '$&'],
];

function reason(message: string): string {
  for (const [pattern, words] of REASONS) {
    const found = pattern.exec(message)?.[0];
    if (found !== undefined) return found.replace(pattern, words);
  }
  return 'no connection';
}
