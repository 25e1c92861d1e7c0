import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { PrivateFileFault, readPrivateFile } from './secrets/private-file.js';
import { rememberSecret } from './secrets/redact.js';

const KEY = { noun: 'key', toMake: 'write the private key of the App into it', most: 16_384 };
/** GitHub takes none that is good for more than ten minutes, and looks at its own clock: https://docs.github.com/en/apps */
const GOOD_FOR_SECONDS = 540;
const BEFORE_SECONDS = 60;

/**
 * The token by which a GitHub App says who it is, good for nine minutes. What it may do in a repository is done with the token of an
 * installation, which is asked for with this one.
 * @param keyFile with the RSA key as GitHub gives it, in PEM
 * @throws PrivateFileFault
 */
export async function appToken(appId: string, keyFile: string): Promise<string> {
  const key = privateKey(await readPrivateFile(keyFile, KEY));
  const now = Math.floor(Date.now() / 1000);
  const claims = { iat: now - BEFORE_SECONDS, exp: now + GOOD_FOR_SECONDS, iss: appId };
  const text = [{ alg: 'RS256', typ: 'JWT' }, claims].map(encoded).join('.');
  const token = `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
  rememberSecret(token, claims.exp * 1000);
  return token;
}

function privateKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // Its complaint could quote the key.
  }
  throw new PrivateFileFault('holds no private RSA key: write the key of the App into it, as GitHub gave it (PEM)');
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
