/**
 * Every secret that this process has read, so that none of them leaves it in a message, a result, a heartbeat or a log: a
 * remote may echo the token that it refuses, and a builder may print what it was given. Each has the time until which it is of use to
 * somebody, in milliseconds since 1970.
 */
const known = new Map<string, number>();
/** Of clocks: what a forge takes no more may have a while by ours. */
const MARGIN_MS = 3_600_000;

/** A shorter secret would be found in ordinary words and paths, and taking it out would say what it is. */
const SHORTEST = 8;
const REPLACEMENT = '[secret]';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Notes a secret, in each form in which programs write it. @param until when it ends by itself, so that it can be forgotten */
export function rememberSecret(secret: string, until = Infinity): void {
  // Of one with several lines, each line alone: what others print is looked at line by line.
  if (secret.includes('\n')) for (const line of secret.split('\n')) rememberSecret(line, until);
  if (secret.length < SHORTEST) return;
  for (const form of [secret, encodeURIComponent(secret), base64(secret)]) note(form, until);
  for (const [form, end] of known) if (end + MARGIN_MS < Date.now()) known.delete(form);
}

const note = (form: string, until: number): unknown => known.set(form, Math.max(until, known.get(form) ?? 0));

/** Notes the password of a user, which HTTP sends in one word with the name. */
export function rememberPassword(user: string, password: string): void {
  rememberSecret(password);
  if (password.length >= SHORTEST) note(base64(`${user}:${password}`), Infinity);
}

/** Notes the secrets that the environment of a worker may hold: Temporal's API key, and the access tokens of Nix. */
export function rememberEnvironmentSecrets(env: Readonly<Record<string, string | undefined>>): void {
  rememberSecret(env.TEMPORAL_API_KEY ?? '');
  rememberAccessTokens(env.NIX_CONFIG ?? '');
}

/** Notes the access tokens of Nix in lines of nix.conf(5). */
export function rememberAccessTokens(lines: string): void {
  for (const [, tokens = ''] of lines.matchAll(/^\s*(?:extra-)?access-tokens\s*=(.*)$/gm)) {
    // HOST=TOKEN, where some hosts want TYPE:TOKEN: nix.conf(5).
    for (const [, token = ''] of tokens.matchAll(/[^\s=]+=(\S+)/g)) {
      rememberSecret(token);
      rememberSecret(token.replace(/^(?:PAT|OAuth2|Basic|Bearer):/i, ''));
    }
  }
}

export function withoutSecrets(text: string): string {
  // The longest first: one may be the beginning of another.
  const found = [...known.keys()].filter((form) => text.includes(form)).sort((a, b) => b.length - a.length);
  return found.reduce((rest, form) => rest.replaceAll(form, REPLACEMENT), text);
}

/** Most bytes that a known secret has in one of its forms. */
export const longestSecret = (): number => Math.max(0, ...[...known.keys()].map((form) => Buffer.byteLength(form)));

/** A beginning of a secret that is shorter tells nothing. */
const SHORTEST_BEGINNING = 4;

/**
 * A part of some bytes without the secrets that are known. Parts that follow each other hold no secret together: one that
 * begins in a part stands as a whole in it, and is left out of the next.
 * @param bytes the part, and `longestSecret` bytes before and behind it as far as there are
 */
export function partWithoutSecrets(bytes: Buffer, from: number, to: number): Buffer {
  const pieces: Buffer[] = [];
  let at = from;
  for (const [begin, end] of secretsIn(bytes)) {
    if (end <= at || begin >= to) continue;
    pieces.push(bytes.subarray(at, Math.max(at, begin)));
    if (begin >= from) pieces.push(Buffer.from(REPLACEMENT));
    at = end;
  }
  pieces.push(bytes.subarray(Math.min(at, to), to));
  return Buffer.concat(pieces);
}

/** Bytes of the beginning of a secret at the end of a text that goes on; 0 when it ends with none. */
export function secretBegins(bytes: Buffer): number {
  for (let length = Math.min(longestSecret() - 1, bytes.length); length >= SHORTEST_BEGINNING; length -= 1) {
    const end = bytes.subarray(-length);
    if ([...known.keys()].some((form) => Buffer.from(form).subarray(0, length).equals(end))) return length;
  }
  return 0;
}

/** Places of secrets, in their order; those that touch each other are one. */
function secretsIn(bytes: Buffer): readonly (readonly [begin: number, end: number])[] {
  const found: [number, number][] = [];
  for (const form of known.keys()) {
    const size = Buffer.byteLength(form);
    for (let at = bytes.indexOf(form); at !== -1; at = bytes.indexOf(form, at + 1)) found.push([at, at + size]);
  }
  const joined: [number, number][] = [];
  for (const [begin, end] of found.sort(([one], [other]) => one - other)) {
    const last = joined.at(-1);
    if (last !== undefined && begin < last[1]) last[1] = Math.max(last[1], end);
    else joined.push([begin, end]);
  }
  return joined;
}

/** Plain data (what an activity returns or a log entry carries) with every text in it as `withoutSecrets` gives it. */
export function dataWithoutSecrets<T>(data: T): T {
  return known.size === 0 ? data : (cleaned(data) as T);
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return withoutSecrets(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== 'object' || value === null || !isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, cleaned(each)]));
}

const isPlain = (value: object): boolean => Object.getPrototypeOf(value) === Object.prototype;

/** Takes the secrets out of an error's message and stack, and out of those of its causes, where they are. */
export function cleanError(error: unknown): void {
  for (let each = error; each instanceof Error; each = each.cause) {
    const message = withoutSecrets(each.message);
    if (message !== each.message) each.message = message;
    const stack = each.stack === undefined ? undefined : withoutSecrets(each.stack);
    if (stack !== undefined && stack !== each.stack) each.stack = stack;
  }
}
