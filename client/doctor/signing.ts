import { messageOf } from '../../model/text/message-of.js';
import type { Signing } from '../../model/git/signing.js';
import { signingFault } from '../options/signing-fault.js';
import { fail, ok, type Finding } from './finding.js';

export async function checkSigning(signing: Signing | null): Promise<readonly Finding[]> {
  if (signing === null) return [];
  const fault = await signingFault(signing).catch(messageOf);
  return [
    fault === null
      ? ok('signing key', `${signing.keyFile} signs, and the same commit always in the same way`)
      : fail('signing key', fault, 'see docs/configuration.md, signing'),
  ];
}
