import { truth, word, type Forge } from './types.js';

/** Gitea and Forgejo: https://docs.gitea.com/api/ */
export const gitea: Forge = {
  label: 'Gitea',
  hasGroups: false,
  hasTeams: true,
  drafts: { prefix: 'WIP: ', seen: /^\s*(?:WIP:|\[WIP\])\s*/i },
  // Its column is a LONGTEXT; nobody reads more.
  bodyBytes: 200_000,
  api: (url) => `${url}/api/v1`,
  repositoryPath: (repository) => `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`,
  headers: (token) => ({ authorization: `token ${token}` }),
  access: ({ full_name: name, permissions, archived, has_pull_requests: requests }) => ({
    name: word(name),
    push: archived === true ? false : truth((permissions as { readonly push?: unknown } | undefined)?.push),
    requests: truth(requests),
  }),
  trials: [
    { path: '/pulls', body: { head: '', base: '', title: '' }, words: 'open pull requests', isNeeded: true },
    // Its tokens have a scope of its own for what requests have in common with issues.
    { path: '/issues/0/comments', body: { body: '' }, words: 'comment on pull requests', isNeeded: true },
  ],
  reference: (number) => `#${number}`,
  harmless: (text) => text,
};
