import { gitea } from './gitea.js';
import type { Forge } from './types.js';

/**
 * GitHub, GitHub Enterprise Server and GitHub Enterprise Cloud: https://docs.github.com/en/rest. Gitea's API was made after its:
 * paths, and the description of a repository, are the same.
 */
export const github: Forge = {
  ...gitea,
  label: 'GitHub',
  drafts: null,
  // It takes 65,536 characters.
  bodyBytes: 58_000,
  api: (url) => {
    const { protocol, host, hostname, pathname } = new URL(url);
    // Both have no path, and an API on a host of its own.
    const hasOwnHost = hostname === 'github.com' || hostname.endsWith('.ghe.com');
    return hasOwnHost ? `${protocol}//api.${host}` : `${protocol}//${host}${pathname.replace(/\/$/, '')}/api/v3`;
  },
  headers: (token) => ({
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  }),
  trials: [
    gitea.trials[0],
    {
      path: `/statuses/${'0'.repeat(40)}`,
      body: { state: 'success', context: 'lockkeeper' },
      words: 'set commit statuses',
      // A run goes on without, and says so.
      isNeeded: false,
    },
  ],
};

/** Address of the other API, for what the first does not have. */
export function graphqlAddress(url: string): string {
  const rest = github.api(url);
  return rest.endsWith('/v3') ? rest.replace(/v3$/, 'graphql') : `${rest}/graphql`;
}
