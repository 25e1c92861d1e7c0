import { openSigner, UnusableKey } from '../../host/signing/index.js';
import type { Signing } from '../../model/git/signing.js';
import { askProgram } from '../flake/ask-program.js';

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
