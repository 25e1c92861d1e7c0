import { rememberSecret } from '../secrets/redact.js';
import { tokenOf } from './secrets.js';

/** The header by which Cachix and Attic let a token read a private cache: as netrc(5) files for Nix have it, a password without a user. */
export async function tokenHeader(tokenFile: string | undefined): Promise<Readonly<Record<string, string>>> {
  if (tokenFile === undefined) return {};
  const base64 = Buffer.from(`:${await tokenOf(tokenFile)}`).toString('base64');
  rememberSecret(base64);
  return { Authorization: `Basic ${base64}` };
}
