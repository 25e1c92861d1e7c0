import type { Forge } from './types.js';

/** Gitea and Forgejo: https://docs.gitea.com/api/ */
export const gitea: Forge = {
  label: 'Gitea',
  // Its column is a LONGTEXT; nobody reads more.
  bodyBytes: 200_000,
  repositoryApi: (url, repository) => `${url}/api/v1/repos/${repository.split('/').map(encodeURIComponent).join('/')}`,
  authorization: (token) => ({ authorization: `token ${token}` }),
  access: ({ permissions, archived, has_pull_requests: requests }) => ({
    push: archived === true ? false : truth((permissions as { readonly push?: unknown } | undefined)?.push),
    requests: truth(requests),
  }),
};

const truth = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);
