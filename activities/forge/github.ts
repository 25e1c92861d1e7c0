import type { CommitStatus } from '../../model/report/forge/statuses.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { githubMerging } from './github-merging.js';
import { openHttp } from './http.js';
import { giveEach, missed, NO_MILESTONE, NOT_ASSIGNABLE, notAmong, type Missed } from './given.js';
import { askReviewers, commentIn, issueCalls, milestoneIn, namesIn, requestIn } from './issue-api.js';
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
    open: async (wanted) => {
      const { title, body, branch, into, draft } = wanted;
      const call = { title, body, head: branch, base: into, ...(draft ? { draft } : {}) };
      const reply = await http.call({
        ...{ method: 'POST', path: '/pulls', body: call },
        expects: (status, said) => status === 422 && (said.includes(EXISTS) || (draft && NO_DRAFTS.test(said))),
      });
      if (reply.status !== 422) return requestOf(forge, objectOf(forge, reply.json));
      return reply.said.includes(EXISTS) ? null : await client.open({ ...wanted, draft: false });
    },
    complete: (number, { labels, assignees, reviewers, milestone, draft }) =>
      giveEach([
        () => checkDraft(number, draft),
        () => giveLabels(number, labels),
        () => assign(number, assignees),
        () => askReviewers(http, number, reviewers),
        () => giveMilestone(number, milestone),
      ]),
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
  const checkDraft = async (number: number, draft: boolean): Promise<Missed> => {
    if (!draft) return [];
    const { json } = await http.call({ method: 'GET', path: `/pulls/${number}` });
    return objectOf(forge, json).draft === false ? ['being a draft: GitHub has none for this repository'] : [];
  };
  /** It makes labels that are not there. */
  const giveLabels = async (number: number, labels: readonly string[]): Promise<Missed> => {
    if (labels.length > 0) await http.call({ method: 'POST', path: `/issues/${number}/labels`, body: { labels } });
    return [];
  };
  /** It leaves out whom it does not know. */
  const assign = async (number: number, assignees: readonly string[]): Promise<Missed> => {
    if (assignees.length === 0) return [];
    const { json } = await http.call({ method: 'POST', path: `/issues/${number}/assignees`, body: { assignees } });
    const there = namesIn(objectOf(forge, json).assignees, 'login');
    return notAmong(assignees, there).map((name) => missed('assignee', name, NOT_ASSIGNABLE));
  };
  const giveMilestone = async (number: number, title: string | null): Promise<Missed> => {
    if (title === null) return [];
    const milestone = milestoneIn(await list('/milestones?state=open', MOST_PAGES), title, 'number');
    if (milestone === null) return [missed('milestone', title, NO_MILESTONE)];
    await http.call({ method: 'PATCH', path: `/issues/${number}`, body: { milestone } });
    return [];
  };
  return client;
};

const EXISTS = 'A pull request already exists';
const NO_DRAFTS = /draft pull requests are not supported/i;

const requestOf = (forge: ForgeOptions, json: Json): ForgeRequest =>
  requestIn(forge, json, {
    // A fork that was removed is null.
    isOwn: (head, base) => idOf(head.repo) === idOf(base.repo),
    isMerged: typeof json.merged_at === 'string',
  });

const idOf = (repository: unknown): unknown => (repository as { readonly id?: unknown } | null | undefined)?.id ?? null;
