import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { PathInfo } from '../../model/closure/path-info.js';
import { CacheFault } from './fault.js';
import { secretOf } from './secrets.js';
import { sha256Bytes, toDigits } from './nar-hash.js';

export type TrustedKeys = ReadonlyMap<string, KeyObject>;

const SECRET_KEY = {
  noun: 'key',
  toMake: 'make it with "nix-store --generate-binary-cache-key NAME FILE PUBLIC"',
  most: 4096,
};
/** Seed and public key of ed25519. */
const SECRET_BYTES = 64;
const PUBLIC_BYTES = 32;

/** Public keys as Nix writes them: `NAME:BASE64`. */
export const trustedKeys = (texts: readonly string[]): TrustedKeys =>
  new Map(
    texts.map((text) => {
      const [name = '', base64 = ''] = text.split(':');
      const x = Buffer.from(base64, 'base64').toString('base64url');
      return [name, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })];
    }),
  );

/** The public half of a secret key, as Nix writes it. @throws CacheFault when the file has none, or is not private */
export async function publicHalf(file: string): Promise<string> {
  const text = await secretOf('the secret key', file, SECRET_KEY);
  const [, name = '', base64 = ''] = /^([^\s:]+):([A-Za-z0-9+/=]+)\s*$/.exec(text) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== SECRET_BYTES)
    throw new CacheFault(
      `the secret key ${file} holds no secret key of Nix: make one with "nix-store --generate-binary-cache-key"`,
      false,
    );
  return `${name}:${bytes.subarray(PUBLIC_BYTES).toString('base64')}`;
}

/** What Nix signs of a path: https://nix.dev/manual/nix/latest/store/store-object#fingerprint */
export function fingerprint({ path, narHash = '', narSize, references }: PathInfo): string {
  const bytes = sha256Bytes(narHash);
  const hash = bytes === null ? narHash : `sha256:${toDigits(bytes)}`;
  return ['1', path, hash, narSize, [...references].sort().join(',')].join(';');
}

/** Whether one of the signatures is by a trusted key, over what is known of the path here. */
export const isSigned = (info: PathInfo, signatures: readonly string[], keys: TrustedKeys): boolean =>
  signatures.some((signature) => {
    const [name = '', base64 = ''] = signature.split(':');
    const key = keys.get(name);
    return key !== undefined && verify(null, Buffer.from(fingerprint(info)), key, Buffer.from(base64, 'base64'));
  });
