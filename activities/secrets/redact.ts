/**
 * Every secret that this process has read, so that none of them leaves it in a message, a result, a heartbeat or a log: a
 * remote may echo the token that it refuses, and a builder may print what it was given.
 */
const known = new Set<string>();

/** A shorter secret would be found in ordinary words and paths, and taking it out would say what it is. */
const SHORTEST = 8;
const REPLACEMENT = '[secret]';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Notes a secret, in each form in which programs write it. */
export function rememberSecret(secret: string): void {
  if (secret.length < SHORTEST) return;
  known.add(secret);
  known.add(encodeURIComponent(secret));
  known.add(base64(secret));
}

/** Notes the password of a user, which HTTP sends in one word with the name. */
export function rememberPassword(user: string, password: string): void {
  rememberSecret(password);
  if (password.length >= SHORTEST) known.add(base64(`${user}:${password}`));
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

/** A text without the secrets that are known. */
export function withoutSecrets(text: string): string {
  // The longest first: one may be the beginning of another.
  const found = [...known].filter((form) => text.includes(form)).sort((a, b) => b.length - a.length);
  return found.reduce((rest, form) => rest.replaceAll(form, REPLACEMENT), text);
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
