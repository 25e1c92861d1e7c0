import { openSigner, UnusableKey } from '../../host/signing/index.js';
import { messageOf } from '../../model/text/message-of.js';
import type { Signing } from '../../model/git/signing.js';
import { askProgram } from '../flake/ask-program.js';
import { fail, ok, type Finding } from './finding.js';

/** Signs nothing with a key, as each run does before anything else; `null` when that works, otherwise why it does not. */
export async function signingFault(signing: Signing): Promise<string | null> {
  try {
    await openSigner(signing, askProgram);
    return null;
  } catch (error) {
    if (error instanceof UnusableKey) return error.message;
    throw error;
  }
}

export async function checkSigning(signing: Signing | null): Promise<readonly Finding[]> {
  if (signing === null) return [];
  const fault = await signingFault(signing).catch(messageOf);
  return [
    fault === null
      ? ok('signing key', `${signing.keyFile} signs, and the same commit always in the same way`)
      : fail('signing key', fault, 'see docs/configuration.md, signing'),
  ];
}
