import { PrivateFileFault, readPrivateFile } from './private-file.js';
import { rememberSecret } from './redact.js';

const TOKEN = { noun: 'token', toMake: 'write the token into it', most: 4096 };

/**
 * Reads a token from its file when it is used: one word, in a regular file that only its owner may use. From then on
 * the token is taken out of all that leaves this process.
 * @throws PrivateFileFault
 */
export async function readTokenFile(file: string): Promise<string> {
  const token = (await readPrivateFile(file, TOKEN)).trim();
  if (token === '') throw new PrivateFileFault('is empty: write the token into it');
  // Also what an HTTP header can carry: fetch would quote the token in its complaint about any other.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new PrivateFileFault('holds more than a token: put the token alone in it, on one line');
  rememberSecret(token);
  return token;
}
