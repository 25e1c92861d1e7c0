import { openSigner, UnusableKey, type Signer } from '../../host/signing/index.js';
import type { Signing } from '../../model/git/signing.js';
import { finalFailure } from '../../model/run/failures.js';
import { launch } from '../command/launcher.js';

/** What signs the commits of a run, seen to work; `null` for unsigned ones. @throws `SigningKey`, which is final */
export async function signerOf(signing: Signing | undefined): Promise<Signer | null> {
  if (signing === undefined) return null;
  const signer = await openSigner(signing, launch).catch(refuse);
  return { sign: (payload, date) => signer.sign(payload, date).catch(refuse) };
}

function refuse(error: unknown): never {
  if (!(error instanceof UnusableKey)) throw error;
  throw finalFailure('SigningKey', `Nothing can be signed: ${error.message}.`);
}
