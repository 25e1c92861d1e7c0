import type { CommitStatus } from '../../model/report/forge/statuses.js';
import { giteaMerging } from './gitea-merging.js';
import { requestOf } from './gitea-request.js';
import { openHttp } from './http.js';
import { giveEach, missed, NO_MILESTONE, NOT_ASSIGNABLE, notAmong, type Missed } from './given.js';
import { askReviewers, commentIn, issueCalls, milestoneIn, namesIn } from './issue-api.js';
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
    open: async ({ title, body, branch, into }) => {
      const call = { title, body, head: branch, base: into };
      const reply = await http.call({ method: 'POST', path: '/pulls', body: call, expects: [409] });
      return reply.status === 409 ? null : requestOf(forge, objectOf(forge, reply.json));
    },
    complete: (number, { labels, assignees, reviewers, milestone }) =>
      giveEach([
        () => giveLabels(number, labels),
        () => assign(number, assignees),
        () => askReviewers(http, number, reviewers),
        () => giveMilestone(number, milestone),
      ]),
    ...issueCalls(http),
    comments: async (number) => (await list(`/issues/${number}/comments`, PAGE, 20)).map(commentIn),
    statuses,
    moved: () => movedTo(forge, http),
    merging: giteaMerging(forge, http, (path) => list(path, PAGE, 20), statuses),
  };

  /** By their names it knows those of the organization too, and leaves out what there is not. */
  const giveLabels = async (number: number, labels: readonly string[]): Promise<Missed> => {
    const give = async (names: readonly string[]): Promise<readonly string[]> => {
      if (names.length === 0) return [];
      const call = { method: 'POST', path: `/issues/${number}/labels`, body: { labels: names } } as const;
      return notAmong(names, namesIn((await http.call(call)).json, 'name'));
    };
    const missing = [...new Set(await give(labels))];
    for (const name of missing)
      await http.call({ method: 'POST', path: '/labels', body: { name, color: LABEL_COLOUR } });
    return (await give(missing)).map((name) => missed('label', name, 'it was made, and is not there'));
  };
  const assign = async (number: number, assignees: readonly string[]): Promise<Missed> => {
    if (assignees.length === 0) return [];
    const { json } = await http.call({ method: 'GET', path: '/assignees' });
    const unknown = notAmong(assignees, namesIn(json, 'login'));
    const known = notAmong(assignees, unknown);
    if (known.length > 0) await http.call({ method: 'PATCH', path: `/pulls/${number}`, body: { assignees: known } });
    return unknown.map((name) => missed('assignee', name, NOT_ASSIGNABLE));
  };
  const giveMilestone = async (number: number, title: string | null): Promise<Missed> => {
    if (title === null) return [];
    const id = milestoneIn(await list('/milestones?state=open', PAGE, 20), title, 'id');
    if (id === null) return [missed('milestone', title, NO_MILESTONE)];
    await http.call({ method: 'PATCH', path: `/pulls/${number}`, body: { milestone: id } });
    return [];
  };
  return client;
};
