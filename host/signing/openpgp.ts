import { FileFault, readBounded } from '../bounded-file.js';
import { systemCode } from '../errors.js';
import { UnusableKey, type Signer } from './types.js';

const MOST_BYTES = 1024 * 1024;
const ARMOURED = /^-----BEGIN PGP PRIVATE KEY BLOCK-----/m;

/**
 * Signs in this process. gpg would need a copy of the key in a folder of its own and an agent that outlives its caller, and it writes
 * the time of day into each signature. Here that time is the commit's.
 */
export function openpgpSigner(keyFile: string): Signer {
  return {
    async sign(payload, date) {
      const openpgp = await import('openpgp');
      const signingKeys = await privateKey(keyFile);
      try {
        const signature: unknown = await openpgp.sign({
          message: await openpgp.createMessage({ binary: Buffer.from(payload, 'utf8') }),
          signingKeys,
          detached: true,
          format: 'armored',
          date: new Date(date * 1000),
          config: {
            ...openpgp.config,
            nonDeterministicSignaturesViaNotation: false,
            showVersion: false,
            showComment: false,
          },
        });
        // Its declarations leave the type of an armoured result open.
        return String(signature);
      } catch (error) {
        throw new UnusableKey(keyFile, `does not sign: ${oneReason(error)}`);
      }
    },
  };
}

async function privateKey(keyFile: string) {
  const { readPrivateKey } = await import('openpgp');
  const text = await readBounded(keyFile, MOST_BYTES).catch((error: unknown) => {
    if (error instanceof FileFault) throw new UnusableKey(keyFile, `cannot be read: ${error.message}`);
    throw new UnusableKey(keyFile, `cannot be read (${systemCode(error) ?? 'unknown error'})`);
  });
  if (!ARMOURED.test(text))
    throw new UnusableKey(keyFile, 'holds no private key: write it with "gpg --armor --export-secret-keys NAME"');
  const key = await readPrivateKey({ armoredKey: text }).catch((error: unknown) => {
    throw new UnusableKey(keyFile, `cannot be used: ${oneReason(error)}`);
  });
  if (!key.isDecrypted())
    throw new UnusableKey(keyFile, 'has a passphrase, and nobody is there to type it: use a key without one');
  return key;
}

const oneReason = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 200) ?? '';
