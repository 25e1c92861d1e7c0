import { environmentAroundGit, type ConfigEntry } from '../../model/git/environment.js';

/**
 * Environment of every Nix command. Home and Nix's own variables stay, for they hold the person's tokens and netrc; what
 * a hook of Git may have left in ours goes, because Nix runs Git for inputs; so does what belongs to Temporal, for an impure
 * flake and fixed-output builders can read the environment; nothing may wait for an answer, and Git speaks English, for its
 * words are read.
 * @param git settings of Git above the person's own
 */
export function nixEnvironment(
  own: Readonly<Record<string, string | undefined>> = process.env,
  git: readonly ConfigEntry[] = [],
): Record<string, string | undefined> {
  const kept = Object.entries(environmentAroundGit(own, git)).filter(([name]) => !name.startsWith('TEMPORAL_'));
  return { ...Object.fromEntries(kept), GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', NO_COLOR: '1', TERM: 'dumb' };
}

/** What Nix itself needs of an environment: where it is and its settings, where programs and certificates are, and proxies. */
const NIX_NEEDS =
  /^(?:PATH|HOME|USER|LOGNAME|TMPDIR|TERM|TZ|LANG|LC_[A-Z]+|NO_COLOR|XDG_\w+|GIT_TERMINAL_PROMPT|NIX_\w+|SSH_AUTH_SOCK|SSL_CERT_(?:FILE|DIR)|\w+_proxy)$/i;

const ACCESS_TOKENS = /^\s*(?:extra-)?access-tokens\s*=/;

/** An environment without access tokens: a builder with a fixed output may ask for any variable of it. */
export function withoutTokens(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const lines = env.NIX_CONFIG?.split('\n').filter((line) => !ACCESS_TOKENS.test(line));
  return { ...env, NIX_CONFIG: lines?.join('\n') };
}

/** An environment for Nix's work on what an agent wrote, whose builders may ask for any variable as well. */
export const withoutOthers = (env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(withoutTokens(env)).filter(([name]) => NIX_NEEDS.test(name)));
