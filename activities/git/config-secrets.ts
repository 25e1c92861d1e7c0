import { decoded } from '../../model/text/text.js';
import type { ConfigEntry } from '../../model/git/environment.js';
import { rememberPassword, rememberSecret } from '../../host/secrets/redact.js';

/**
 * Notes the secrets that people keep in Git's configuration, so that they stay out of messages: headers with credentials
 * (`http.<url>.extraHeader`), and passwords in URLs (`insteadOf`, proxies).
 */
export function rememberConfigSecrets(config: readonly ConfigEntry[]): void {
  for (const [key, value] of config) {
    if (/^http\..*extraheader$/i.test(key)) rememberHeader(value);
    for (const [, user = '', password = ''] of `${key} ${value}`.matchAll(/:\/\/([^/?#\s:@]*):([^/?#\s@]*)@/g)) {
      rememberPassword(decoded(user), decoded(password));
      rememberSecret(password);
    }
  }
}

/** `Authorization: Basic …`, `PRIVATE-TOKEN: …` and their kin: the last word is the secret. */
function rememberHeader(header: string): void {
  const credentials =
    header
      .slice(header.indexOf(':') + 1)
      .trim()
      .split(/\s+/)
      .at(-1) ?? '';
  rememberSecret(credentials);
  if (!/:\s*basic\s/i.test(header)) return;
  const plain = Buffer.from(credentials, 'base64').toString('utf8');
  rememberSecret(plain.slice(plain.indexOf(':') + 1));
}
