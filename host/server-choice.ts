import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { ClientConfigTLS, ClientConnectConfig } from '@temporalio/envconfig';
import { messageOf } from '../model/text/message-of.js';
import { formatSize } from '../model/text/size.js';
import { HostFault } from './errors.js';

/** Which server a command talks to: one that Temporal's environment configuration names, or the embedded one. */
export type ServerChoice =
  | {
      readonly kind: 'configured';
      /** Where the address came from, for messages. */
      readonly source: string;
      readonly address: string;
      readonly namespace: string;
      readonly options: Pick<ClientConnectConfig['connectionOptions'], 'address' | 'tls' | 'apiKey' | 'metadata'>;
    }
  | { readonly kind: 'embedded' };

type EnvConfig = Pick<typeof import('@temporalio/envconfig'), 'loadClientConfigProfile' | 'toClientOptions'>;

/**
 * Reads `TEMPORAL_ADDRESS`, `TEMPORAL_PROFILE` and the profile file (`TEMPORAL_CONFIG_FILE`, or Temporal's default
 * place). A profile without an address names no server of its own: then the embedded one is used.
 * @param envconfig the package, which a command loads when it needs it
 * @throws HostFault when the configuration cannot be used
 */
export function chooseServer({ loadClientConfigProfile, toClientOptions }: EnvConfig): ServerChoice {
  let config;
  try {
    const { TEMPORAL_CONFIG_FILE } = process.env;
    if (TEMPORAL_CONFIG_FILE !== undefined) refuseEndless(TEMPORAL_CONFIG_FILE);
    const profile = loadClientConfigProfile();
    filesOf(profile.tls).forEach(refuseEndless);
    config = toClientOptions(profile);
  } catch (error) {
    // The package does not look whether a file has any.
    const why =
      error instanceof TypeError
        ? `${process.env.TEMPORAL_CONFIG_FILE ?? 'the profile file'} holds no profiles`
        : messageOf(error);
    throw new HostFault(
      `Temporal's environment configuration cannot be used: ${why}. ` +
        'Correct TEMPORAL_PROFILE or the profile file, or unset it to use the embedded server.',
    );
  }
  const { address, apiKey, tls, metadata } = config.connectionOptions;
  if (address === undefined || address === '') return { kind: 'embedded' };
  const { TEMPORAL_ADDRESS, TEMPORAL_PROFILE } = process.env;
  return {
    kind: 'configured',
    source:
      TEMPORAL_ADDRESS !== undefined ? 'TEMPORAL_ADDRESS' : `Temporal's profile "${TEMPORAL_PROFILE ?? 'default'}"`,
    address,
    namespace: config.namespace ?? 'default',
    options: {
      address,
      ...(tls === undefined ? {} : { tls }),
      ...(typeof apiKey === 'string' ? { apiKey } : {}),
      ...(metadata === undefined ? {} : { metadata }),
    },
  };
}

/**
 * Files that prove to a server elsewhere who asks: the key of a certificate, and the profile file, which may hold API keys. They need not
 * be there.
 * @param envconfig whose configuration `chooseServer` has taken
 */
export function serverSecretFiles({ loadClientConfigProfile }: EnvConfig): readonly string[] {
  const { TEMPORAL_CONFIG_FILE, XDG_CONFIG_HOME } = process.env;
  const profiles = path.join(XDG_CONFIG_HOME ?? path.join(homedir(), '.config'), 'temporalio', 'temporal.toml');
  const { clientKey } = loadClientConfigProfile().tls ?? {};
  return [TEMPORAL_CONFIG_FILE ?? profiles, ...filesOf({ ...(clientKey === undefined ? {} : { clientKey }) })].map(
    (file) => path.resolve(file),
  );
}

/** Most bytes of a file with a configuration, a certificate or a key. */
const MOST_BYTES = 1024 * 1024;

/** The package reads files whole, and waits for them: a device has no end, and a pipe without a writer never begins. */
function refuseEndless(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  // What is not there it says itself.
  if (found === undefined) return;
  if (!found.isFile()) throw new Error(`${file} is not a regular file`);
  if (found.size > MOST_BYTES) throw new Error(`${file} is larger than ${formatSize(MOST_BYTES)}`);
}

const filesOf = ({ clientCert, clientKey, serverCACert }: ClientConfigTLS = {}): readonly string[] =>
  [clientCert, clientKey, serverCACert].flatMap((source) =>
    source !== undefined && 'path' in source ? [source.path] : [],
  );
