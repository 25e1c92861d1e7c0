import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Headers of a request, by their names in small letters. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** How old or how far ahead a signature with a time of its own may be, in seconds: https://www.standardwebhooks.com */
const TOLERANCE_SECONDS = 300;

const given = (headers: Headers, name: string): string => {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
};

const HUB = 'x-hub-signature-256';
const HUB_PREFIX = 'sha256=';
const HEX = ['x-gitea-signature', 'x-forgejo-signature'] as const;
const TOKEN = 'x-gitlab-token';
const STANDARD = 'webhook-signature';

/** Whether a request has a signature at all, good or not. */
export const hasSignature = (headers: Headers): boolean =>
  [HUB, ...HEX, TOKEN, STANDARD].some((name) => given(headers, name) !== '');

/**
 * Whether a webhook was signed with one of these secrets: GitHub, Gitea and Forgejo by an HMAC over the body, GitLab by its token in a
 * header, or as Standard Webhooks are. How long it takes tells nothing of a secret. The body is hashed at most twice for each.
 * @param now milliseconds since 1970
 */
export function isSigned(headers: Headers, body: Uint8Array, secrets: readonly string[], now: number): boolean {
  const hub = given(headers, HUB);
  const hexes = [
    hub.startsWith(HUB_PREFIX) ? hub.slice(HUB_PREFIX.length) : '',
    ...HEX.map((name) => given(headers, name)),
  ];
  const token = given(headers, TOKEN);
  const ids = [given(headers, 'webhook-id'), given(headers, 'webhook-timestamp')] as const;
  const standards = isRecent(ids[1], now) ? given(headers, STANDARD).split(' ').slice(0, 8) : [];
  // No answer comes sooner because one of them fits.
  return secrets
    .flatMap((secret) => [
      ...areSame(hexes, () => createHmac('sha256', secret).update(body).digest('hex')),
      ...areSame([token], () => secret),
      ...areSame(standards, () => standardSignature(secret, ids, body)),
    ])
    .some(Boolean);
}

function areSame(signatures: readonly string[], wanted: () => string): readonly boolean[] {
  const there = signatures.filter((each) => each !== '');
  if (there.length === 0) return [];
  const right = digest(wanted());
  return there.map((each) => timingSafeEqual(digest(each), right));
}

const LEAST_CHARACTERS = 16;
const LEAST_KEY_BYTES = 16;

/** Why a secret is too easy to guess, as the end of a sentence; `null` when it is good. */
export function secretFault(line: string): string | null {
  if (line.startsWith('#')) return 'begins with #, but comments are not left out';
  if (/\s/.test(line)) return 'has spaces';
  if (line.length < LEAST_CHARACTERS) return `is shorter than ${LEAST_CHARACTERS} characters`;
  if (line.startsWith(KEY_PREFIX) && standardKey(line).length < LEAST_KEY_BYTES)
    return `has a key of less than ${LEAST_KEY_BYTES} bytes after ${KEY_PREFIX}`;
  return null;
}

const KEY_PREFIX = 'whsec_';
const standardKey = (secret: string): Buffer =>
  secret.startsWith(KEY_PREFIX) ? Buffer.from(secret.slice(KEY_PREFIX.length), 'base64') : Buffer.from(secret);

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function standardSignature(secret: string, ids: readonly [string, string], body: Uint8Array): string {
  return `v1,${createHmac('sha256', standardKey(secret))
    .update(`${ids.join('.')}.`)
    .update(body)
    .digest('base64')}`;
}

const isRecent = (timestamp: string, now: number): boolean =>
  /^\d{1,12}$/.test(timestamp) && Math.abs(now / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
