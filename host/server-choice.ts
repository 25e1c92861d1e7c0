import type { ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import { messageOf } from '../model/text/message-of.js';
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

/**
 * Reads `TEMPORAL_ADDRESS`, `TEMPORAL_PROFILE` and the profile file (`TEMPORAL_CONFIG_FILE`, or Temporal's default
 * place). A profile without an address names no server of its own: then the embedded one is used.
 * @param load of `@temporalio/envconfig`, which a command loads when it needs it
 * @throws HostFault when the configuration cannot be used
 */
export function chooseServer(load: typeof loadClientConnectConfig): ServerChoice {
  let config;
  try {
    config = load();
  } catch (error) {
    throw new HostFault(
      `Temporal's environment configuration cannot be used: ${messageOf(error)}. ` +
        'Mend TEMPORAL_PROFILE or the profile file, or unset it to use the embedded server.',
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
