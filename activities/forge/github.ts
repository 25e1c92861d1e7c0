import type { CommitStatus } from '../../model/forge/statuses.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { openHttp } from './http.js';
import { listAll, movedTo, newestStatuses, numberOf, objectOf, textOf, tryToOpen, type Json } from './json.js';
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
    change: async (number, { title, body, close }) => {
      const change = {
        ...(title === undefined ? {} : { title }),
        ...(body === undefined ? {} : { body }),
        ...(close === true ? { state: 'closed' } : {}),
      };
      await http.call({ method: 'PATCH', path: `/pulls/${number}`, body: change });
    },
    comments: async (number) =>
      (await list(`/issues/${number}/comments`, MOST_PAGES)).map(({ user, body }) => ({
        by: textOf((user as { readonly login?: unknown } | null)?.login),
        body: textOf(body),
      })),
    comment: async (number, body) => {
      await http.call({ method: 'POST', path: `/issues/${number}/comments`, body: { body } });
    },
    statuses: async (commit) =>
      newestStatuses(await list(`/commits/${commit}/statuses`, MOST_PAGES), ({ context, state, description }) => ({
        context: textOf(context),
        state: textOf(state) as CommitStatus['state'],
        description: textOf(description),
      })),
    setStatus: async (commit, status) => {
      await http.call({ method: 'POST', path: `/statuses/${commit}`, body: status });
    },
    moved: () => movedTo(forge, http),
    merging: null,
  };
  return client;
};

function requestOf(forge: ForgeOptions, json: Json): ForgeRequest {
  const head = objectOf(forge, json.head);
  const base = objectOf(forge, json.base);
  return {
    number: numberOf(forge, json.number),
    url: textOf(json.html_url),
    isOpen: json.state === 'open',
    isMerged: typeof json.merged_at === 'string',
    // A fork that was removed is null.
    branch: idOf(head.repo) === idOf(base.repo) ? textOf(head.ref) : null,
    head: textOf(head.sha),
    into: textOf(base.ref),
    title: textOf(json.title),
    body: textOf(json.body),
  };
}

const idOf = (repository: unknown): unknown => (repository as { readonly id?: unknown } | null | undefined)?.id ?? null;
