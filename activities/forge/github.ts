import type { CommitStatus } from '../../model/report/forge/statuses.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { githubMerging } from './github-merging.js';
import { openHttp } from './http.js';
import { commentIn, issueCalls, requestIn } from './issue-api.js';
import { listAll, movedTo, newestStatuses, objectOf, textOf, tryToOpen, type Json } from './json.js';
import type { ForgeClient, ForgeRequest, OpenForge } from './types.js';

/** Open requests are all looked at, up to ten thousand; of closed ones the five hundred that were changed last. */
const OPEN_PAGES = 100;
const CLOSED_PAGES = 5;
const MOST_PAGES = 20;

/** GitHub, as its OpenAPI description has it: requests are issues with branches. */
export const openGithub: OpenForge = (forge) => {
  const http = openHttp(forge);
  const list = (path: string, most: number) =>
    listAll(forge, http, `${path}${path.includes('?') ? '&' : '?'}per_page=100`, { most });

  const statuses: ForgeClient['statuses'] = async (commit) =>
    newestStatuses(await list(`/commits/${commit}/statuses`, MOST_PAGES), ({ context, state, description }) => ({
      context: textOf(context),
      state: textOf(state) as CommitStatus['state'],
      description: textOf(description),
    }));

  const client: ForgeClient = {
    requests: async (state) => {
      const most = state === 'open' ? OPEN_PAGES : CLOSED_PAGES;
      const found = await list(`/pulls?state=${state}&sort=updated&direction=desc`, most);
      return found.map((each) => requestOf(forge, each));
    },
    tryRights: () => tryToOpen(forge, http, [422]),
    open: async ({ title, body, branch, into }) => {
      const call = { title, body, head: branch, base: into };
      const reply = await http.call({
        ...{ method: 'POST', path: '/pulls', body: call },
        expects: (status, said) => status === 422 && said.includes('A pull request already exists'),
      });
      return reply.status === 422 ? null : requestOf(forge, objectOf(forge, reply.json));
    },
    // It makes labels that are not there.
    complete: async (number, { labels }) => {
      if (labels.length > 0) await http.call({ method: 'POST', path: `/issues/${number}/labels`, body: { labels } });
    },
    ...issueCalls(http),
    comments: async (number) => (await list(`/issues/${number}/comments`, MOST_PAGES)).map(commentIn),
    statuses,
    moved: () => movedTo(forge, http),
    merging: githubMerging(forge, http, {
      requestOf: (json) => requestOf(forge, json),
      list: (path) => list(path, MOST_PAGES),
      statuses,
    }),
  };
  return client;
};

const requestOf = (forge: ForgeOptions, json: Json): ForgeRequest =>
  requestIn(forge, json, {
    // A fork that was removed is null.
    isOwn: (head, base) => idOf(head.repo) === idOf(base.repo),
    isMerged: typeof json.merged_at === 'string',
  });

const idOf = (repository: unknown): unknown => (repository as { readonly id?: unknown } | null | undefined)?.id ?? null;
