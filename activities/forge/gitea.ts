import type { CommitStatus } from '../../model/report/forge/statuses.js';
import { giteaMerging } from './gitea-merging.js';
import { requestOf } from './gitea-request.js';
import { openHttp } from './http.js';
import { commentIn, issueCalls } from './issue-api.js';
import { listAll, movedTo, newestStatuses, objectOf, textOf, tryToOpen } from './json.js';
import type { ForgeClient, OpenForge } from './types.js';

/** Servers give at most so many of a list at once, whatever is asked for. */
const PAGE = 50;
/** Requests carry their whole texts. */
const REQUESTS_PAGE = 20;
/** Open requests are all looked at, up to ten thousand; of closed ones the five hundred that were changed last. */
const OPEN_PAGES = 500;
const CLOSED_PAGES = 25;
const LABEL_COLOUR = '#5277c3';

/** Gitea and Forgejo. Fields are as Gitea 1.26 has them, and checked where they are used. */
export const openGitea: OpenForge = (forge) => {
  const http = openHttp(forge);
  // Not all of its lists say where they go on.
  const list = (path: string, size: number, most: number) => {
    const page = (number: number) => `${path}${path.includes('?') ? '&' : '?'}limit=${size}&page=${number}`;
    return listAll(forge, http, page(1), { most, next: (number) => page(number + 1) });
  };

  const statuses: ForgeClient['statuses'] = async (commit) => {
    const all = await list(`/statuses/${commit}?sort=recentupdate`, PAGE, 40);
    return newestStatuses(all, ({ context, status, description }) => ({
      context: textOf(context),
      state: textOf(status) as CommitStatus['state'],
      description: textOf(description),
    }));
  };

  const client: ForgeClient = {
    requests: async (state) => {
      const most = state === 'open' ? OPEN_PAGES : CLOSED_PAGES;
      // `GET /pulls/{base}/{head}` gives one of any state, and knows no order.
      const found = await list(`/pulls?state=${state}&sort=recentupdate`, REQUESTS_PAGE, most);
      return found.map((each) => requestOf(forge, each));
    },
    tryRights: () => tryToOpen(forge, http, [404, 422]),
    open: async ({ title, body, branch, into, labels }) => {
      const ids = labels.length === 0 ? [] : await labelIds(labels);
      const call = { title, body, head: branch, base: into, ...(ids.length === 0 ? {} : { labels: ids }) };
      const reply = await http.call({ method: 'POST', path: '/pulls', body: call, expects: [409] });
      return reply.status === 409 ? null : requestOf(forge, objectOf(forge, reply.json));
    },
    ...issueCalls(http),
    comments: async (number) => (await list(`/issues/${number}/comments`, PAGE, 20)).map(commentIn),
    statuses,
    moved: () => movedTo(forge, http),
    merging: giteaMerging(forge, http, (path) => list(path, PAGE, 20), statuses),
  };

  /** Only ids are taken for a new request. */
  const labelIds = async (names: readonly string[]): Promise<readonly number[]> => {
    const known = new Map((await list('/labels', PAGE, 40)).map(({ id, name }) => [textOf(name), Number(id)]));
    const ids: number[] = [];
    for (const name of names) {
      const id = known.get(name) ?? (await makeLabel(name));
      known.set(name, id);
      ids.push(id);
    }
    return [...new Set(ids)];
  };
  const makeLabel = async (name: string): Promise<number> => {
    const reply = await http.call({ method: 'POST', path: '/labels', body: { name, color: LABEL_COLOUR } });
    return Number(objectOf(forge, reply.json).id);
  };
  return client;
};
