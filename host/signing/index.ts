import { stat } from 'node:fs/promises';
import type { Signing, SigningFormat } from '../../model/git/signing.js';
import { systemCode } from '../errors.js';
import { openpgpSigner } from './openpgp.js';
import { sshSigner } from './ssh.js';
import { UnusableKey, type RunProgram, type Signer } from './types.js';

export { UnusableKey, type Signer };

const signers = {
  ssh: sshSigner,
  openpgp: openpgpSigner,
} satisfies Readonly<Record<Signing['format'], (keyFile: string, run: RunProgram) => Signer>>;

const OTHERS = 0o007;
const MAKING: Readonly<Record<SigningFormat, string>> = {
  ssh: 'make one with "ssh-keygen -t ed25519 -N \'\' -f FILE"',
  openpgp: 'write it with "gpg --armor --export-secret-keys NAME"',
};

/** The signer of a run, tried twice for equal signatures: repeats have to give the same commit. @throws UnusableKey */
export async function openSigner({ format, keyFile }: Signing, run: RunProgram): Promise<Signer> {
  const found = await stat(keyFile).catch((error: unknown) => {
    const code = systemCode(error) ?? 'unknown error';
    throw new UnusableKey(keyFile, code === 'ENOENT' ? `is not there: ${MAKING[format]}` : `cannot be read (${code})`);
  });
  if (!found.isFile()) throw new UnusableKey(keyFile, 'is not a file: name the file with the private key');
  if ((found.mode & OTHERS) !== 0)
    throw new UnusableKey(keyFile, 'may be used by everybody: run chmod 600 on it, and make a new one');
  const signer = signers[format](keyFile, run);
  // A key signs nothing that is older than itself.
  const now = Math.floor(Date.now() / 1000);
  const [first, second] = [await signer.sign('', now), await signer.sign('', now)];
  if (first !== second)
    throw new UnusableKey(keyFile, 'signs the same commit differently each time: use an ed25519 or RSA key');
  return signer;
}
