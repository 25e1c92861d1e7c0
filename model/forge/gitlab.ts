import { word, type Forge } from './types.js';

/** Developers may push to branches that are not protected, and open merge requests. */
const DEVELOPER = 30;

/** GitLab: https://docs.gitlab.com/api/rest/ */
export const gitlab: Forge = {
  label: 'GitLab',
  hasGroups: true,
  // Groups approve by rules of the project.
  hasTeams: false,
  drafts: { prefix: 'Draft: ', seen: /^\s*(?:\[draft\]|\(draft\)|draft:)\s*/i },
  // It takes a million; nobody reads more.
  bodyBytes: 200_000,
  api: (url) => `${url}/api/v4`,
  repositoryPath: (repository) => `/projects/${encodeURIComponent(repository)}`,
  headers: (token) => ({ authorization: `Bearer ${token}` }),
  access: ({ path_with_namespace: name, permissions, archived, merge_requests_access_level: level }) => ({
    name: word(name),
    push: archived === true ? false : mayPush(permissions),
    requests: typeof level === 'string' ? level !== 'disabled' : null,
  }),
  trials: [
    {
      path: '/merge_requests',
      body: { title: '', source_branch: '', target_branch: '' },
      words: 'open merge requests',
      isNeeded: true,
    },
  ],
  reference: (number) => `!${number}`,
  // A line such as `/close` is a quick action, with the rights of the token's account. Paths of the Nix store are none.
  harmless: (text) => text.replace(/^([ \t>]*)\/(?!nix\/store\/)/gm, '$1\u200B/'),
};

function mayPush(permissions: unknown): boolean | null {
  if (typeof permissions !== 'object' || permissions === null) return null;
  const levels = Object.values(permissions as Readonly<Record<string, { readonly access_level?: unknown } | null>>)
    .map((each) => Number(each?.access_level ?? Number.NaN))
    .filter((level) => Number.isFinite(level));
  // An administrator has none.
  return levels.length === 0 ? null : Math.max(...levels) >= DEVELOPER;
}
