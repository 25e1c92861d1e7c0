import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Headers of a request, by their names in small letters. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** How old or how far ahead a signature with a time of its own may be, in seconds: https://www.standardwebhooks.com */
const TOLERANCE_SECONDS = 300;

/**
 * Whether a webhook was signed with one of these secrets: GitHub, Gitea and Forgejo by an HMAC over the body, GitLab by its token in a
 * header, or as Standard Webhooks are. How long it takes tells nothing of a secret.
 * @param now milliseconds since 1970
 */
export function isSigned(headers: Headers, body: Uint8Array, secrets: readonly string[], now: number): boolean {
  const given = (name: string): string => {
    const value = headers[name];
    return typeof value === 'string' ? value : '';
  };
  const hex = (secret: string): string => createHmac('sha256', secret).update(body).digest('hex');
  const ids = [given('webhook-id'), given('webhook-timestamp')] as const;
  const standard = isRecent(ids[1], now) ? given('webhook-signature').split(' ').slice(0, 8) : [];
  // No answer comes sooner because one of them fits.
  return secrets
    .flatMap((secret) => [
      isSame(given('x-hub-signature-256'), `sha256=${hex(secret)}`),
      isSame(given('x-gitea-signature'), hex(secret)),
      isSame(given('x-forgejo-signature'), hex(secret)),
      isSame(given('x-gitlab-token'), secret),
      ...standard.map((each) => isSame(each, standardSignature(secret, ids, body))),
    ])
    .some(Boolean);
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function standardSignature(secret: string, ids: readonly [string, string], body: Uint8Array): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  return `v1,${createHmac('sha256', key)
    .update(`${ids.join('.')}.`)
    .update(body)
    .digest('base64')}`;
}

const isRecent = (timestamp: string, now: number): boolean =>
  /^\d{1,12}$/.test(timestamp) && Math.abs(now / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const isSame = (given: string, wanted: string): boolean => timingSafeEqual(digest(given), digest(wanted));
