import type { PayloadCodec } from '@temporalio/common';
import { readJson } from '../../host/files.js';
import { payloadProof } from '../../host/payload-proof.js';
import { ownRunKey, readRunKey, RunKeyFault, type RunKey } from '../../host/secrets/run-key.js';
import type { CommandContext } from '../context.js';
import { systemCode } from '../../host/errors.js';
import { CommandError } from '../errors.js';

/**
 * How this command proves who asks, and knows what workers said: with the named key, or with that of the embedded server. `null` where
 * none is used: a server elsewhere has an authentication of its own.
 */
export async function commandKey(
  { state, runKeyFile }: CommandContext,
  embedded: boolean,
): Promise<PayloadCodec | null> {
  try {
    if (runKeyFile !== null) return payloadProof(await readRunKey(runKeyFile), { lenient: true });
    if (!embedded) return null;
    const accepted = new Set((await readJson<readonly string[]>(state.beforeKey)) ?? []);
    return payloadProof(await ownRunKey(state), { lenient: true, accepted });
  } catch (error) {
    if (error instanceof RunKeyFault) throw new CommandError(`${capital(error.message)}.`);
    // What is there can be looked at, but nothing is started or decided.
    if (['EROFS', 'ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')) return payloadProof(NO_KEY, { lenient: true });
    throw error;
  }
}

/** Proves nothing. */
const NO_KEY: RunKey = { id: 'none', secret: Buffer.alloc(0) };

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
