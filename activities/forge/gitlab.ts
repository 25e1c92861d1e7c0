import type { CommitStatus } from '../../model/report/forge/statuses.js';
import { forges } from '../../model/forge/index.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { refused } from './answers.js';
import { gitlabMerging, usernameOf } from './gitlab-merging.js';
import { openHttp } from './http.js';
import { giveEach, missed, NO_MILESTONE, notAmong, type Missed } from './given.js';
import { milestoneIn, namesIn } from './issue-api.js';
import { listAll, movedTo, newestStatuses, numberOf, objectOf, textOf, tryToOpen, type Json } from './json.js';
import type { ForgeClient, ForgeRequest, OpenForge } from './types.js';

/** Requests carry their whole texts. */
const REQUESTS_PAGE = 20;
/** Open requests are all looked at, up to ten thousand; of merged and of closed ones the five hundred that were changed last. */
const OPEN_PAGES = 500;
const CLOSED_PAGES = 25;
const MOST_PAGES = 20;

/** Its words for the states of a commit. A target that could not be looked at has none of its own, and is not one that failed. */
const STATES = { pending: 'pending', success: 'success', failure: 'failed', error: 'canceled' } satisfies Record<
  CommitStatus['state'],
  string
>;

export const openGitlab: OpenForge = (forge) => {
  const http = openHttp(forge);
  const list = (path: string, size: number, most: number) =>
    listAll(forge, http, `${path}${path.includes('?') ? '&' : '?'}per_page=${size}`, { most });
  const notes = (number: number) => list(`/merge_requests/${number}/notes?sort=asc`, 100, MOST_PAGES);
  const requests = async (state: 'opened' | 'merged' | 'closed') => {
    const most = state === 'opened' ? OPEN_PAGES : CLOSED_PAGES;
    const found = await list(`/merge_requests?state=${state}&order_by=updated_at&sort=desc`, REQUESTS_PAGE, most);
    return found.map((each) => requestOf(forge, each));
  };

  const statuses: ForgeClient['statuses'] = async (commit) =>
    newestStatuses(
      await list(`/repository/commits/${commit}/statuses?all=false`, 100, MOST_PAGES),
      ({ name, status, description }) => ({
        context: textOf(name),
        state: stateOf(status),
        description: textOf(description),
      }),
    );

  const client: ForgeClient = {
    requests: async (state) =>
      state === 'open' ? requests('opened') : [...(await requests('closed')), ...(await requests('merged'))],
    tryRights: async () => {
      const { json } = await http.call({ method: 'GET', path: '' });
      const access = forges.gitlab.access(objectOf(forge, json));
      if (access.requests === false)
        throw refused(forge, `takes no merge requests for ${forge.repository}: turn them on in its settings`);
      if (access.push === false)
        throw refused(
          forge,
          `lets the account of the token not push to ${forge.repository}: make it a developer there`,
        );
      await tryToOpen(forge, http, [400, 409, 422]);
    },
    open: async ({ title, body, branch, into }) => {
      const call = {
        title,
        description: body,
        source_branch: branch,
        target_branch: into,
        remove_source_branch: false,
      };
      const reply = await http.call({ method: 'POST', path: '/merge_requests', body: call, expects: [409] });
      return reply.status === 409 ? null : requestOf(forge, objectOf(forge, reply.json));
    },
    complete: (number, { labels, assignees, reviewers, milestone }) =>
      giveEach([
        async () => {
          // It knows labels of the groups too, and makes what there is not.
          if (labels.length > 0) await put(number, { add_labels: labels.join(',') });
          return [];
        },
        () => giveAccounts(number, 'assignee', assignees),
        () => giveAccounts(number, 'reviewer', reviewers),
        () => giveMilestone(number, milestone),
      ]),
    change: async (number, { title, body, close }) => {
      const change = {
        ...(title === undefined ? {} : { title }),
        ...(body === undefined ? {} : { description: body }),
        ...(close === true ? { state_event: 'close' } : {}),
      };
      await put(number, change);
    },
    comments: async (number) =>
      (await notes(number)).flatMap(({ id, author, body, system }) =>
        system === true ? [] : [{ id: Number(id), by: usernameOf(author) ?? '', body: textOf(body) }],
      ),
    comment: async (number, body) => {
      await http.call({ method: 'POST', path: `/merge_requests/${number}/notes`, body: { body } });
    },
    statuses,
    setStatus: async (commit, { context, state, description, page }) => {
      const body = {
        name: context,
        state: STATES[state],
        description,
        ...(page === undefined ? {} : { target_url: page }),
      };
      await http.call({
        ...{ method: 'POST', path: `/statuses/${commit}`, body },
        // What is so already may not become so again.
        expects: (status, said) => status === 400 && said.includes('Cannot transition status'),
      });
    },
    moved: () => movedTo(forge, http),
    merging: gitlabMerging(forge, http, {
      requestOf: (json) => requestOf(forge, json),
      list: (path) => list(path, 100, MOST_PAGES),
      notes,
      statuses,
    }),
  };
  const put = async (number: number, body: object): Promise<Json> => {
    const { json } = await http.call({ method: 'PUT', path: `/merge_requests/${number}`, body });
    return objectOf(forge, json);
  };
  /** It wants ids of accounts, and without a licence takes the first account alone. */
  const giveAccounts = async (number: number, what: 'assignee' | 'reviewer', names: readonly string[]) => {
    const all: string[] = [];
    const known = new Map<string, number>();
    for (const name of names) {
      const found = await list(`/members/all?query=${encodeURIComponent(name)}`, 100, 1);
      const member = found.find(({ username }) => textOf(username).toLowerCase() === name.toLowerCase());
      if (member === undefined) all.push(missed(what, name, 'the project has no member of that name'));
      else known.set(name, Number(member.id));
    }
    if (known.size === 0) return all;
    const given = namesIn((await put(number, { [`${what}_ids`]: [...known.values()] }))[`${what}s`], 'username');
    const left = notAmong([...known.keys()], given);
    return [...all, ...left.map((name) => missed(what, name, 'GitLab did not take it'))];
  };
  const giveMilestone = async (number: number, title: string | null): Promise<Missed> => {
    if (title === null) return [];
    const path = `/milestones?state=active&include_ancestors=true&title=${encodeURIComponent(title)}`;
    const id = milestoneIn(await list(path, 100, 1), title, 'id');
    if (id === null) return [missed('milestone', title, NO_MILESTONE)];
    await put(number, { milestone_id: id });
    return [];
  };
  return client;
};

const stateOf = (status: unknown): CommitStatus['state'] =>
  (Object.keys(STATES) as readonly CommitStatus['state'][]).find((each) => STATES[each] === status) ?? 'error';

function requestOf(forge: ForgeOptions, json: Json): ForgeRequest {
  return {
    number: numberOf(forge, json.iid),
    url: textOf(json.web_url),
    isOpen: json.state === 'opened',
    isMerged: json.state === 'merged',
    branch: json.source_project_id === json.target_project_id ? textOf(json.source_branch) : null,
    head: textOf(json.sha),
    into: textOf(json.target_branch),
    title: textOf(json.title),
    body: textOf(json.description),
  };
}
