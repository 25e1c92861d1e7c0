import type { ForgeOptions } from '../../model/run/options.js';
import type { Http } from './http.js';
import { numberOf, objectOf, textOf, type Json } from './json.js';
import { missed, teamOf, type Missed } from './given.js';
import type { ForgeClient, ForgeComment, ForgeRequest } from './types.js';

/** What GitHub's API and Gitea's, which was made after it, do in the same way: requests are issues with branches. */
export const issueCalls = (http: Http): Pick<ForgeClient, 'change' | 'comment' | 'setStatus'> => ({
  change: async (number, { title, body, close }) => {
    const change = {
      ...(title === undefined ? {} : { title }),
      ...(body === undefined ? {} : { body }),
      ...(close === true ? { state: 'closed' } : {}),
    };
    await http.call({ method: 'PATCH', path: `/pulls/${number}`, body: change });
  },
  comment: async (number, body) => {
    await http.call({ method: 'POST', path: `/issues/${number}/comments`, body: { body } });
  },
  setStatus: async (commit, { page, ...status }) => {
    const body = { ...status, ...(page === undefined ? {} : { target_url: page }) };
    await http.call({ method: 'POST', path: `/statuses/${commit}`, body });
  },
});

/** Asks for reviews, for each by itself: of several names both take all or none. */
export async function askReviewers(http: Http, number: number, reviewers: readonly string[]): Promise<Missed> {
  const all: string[] = [];
  for (const reviewer of reviewers) {
    const team = teamOf(reviewer);
    const { status, said } = await http.call({
      ...{ method: 'POST', path: `/pulls/${number}/requested_reviewers` },
      body: team === null ? { reviewers: [reviewer] } : { team_reviewers: [team] },
      expects: [404, 422],
    });
    if (status >= 300) all.push(missed('reviewer', reviewer, said === '' ? `HTTP ${status}` : said));
  }
  return all;
}

/** Milestones as both have them: the one with a title. @param field by which it is given to a request */
export function milestoneIn(all: readonly Json[], title: string, field: 'id' | 'number'): number | null {
  const found = all.find((each) => each.title === title)?.[field];
  return typeof found === 'number' ? found : null;
}

/** Names of what a list holds, such as accounts by their logins. */
export const namesIn = (list: unknown, field: string): readonly string[] =>
  Array.isArray(list) ? list.map((each) => textOf((each as Json | null)?.[field])) : [];

/** A request as both have it, but for what is said of it. */
export function requestIn(
  forge: ForgeOptions,
  json: Json,
  { isOwn, isMerged }: { readonly isOwn: (head: Json, base: Json) => boolean; readonly isMerged: boolean },
): ForgeRequest {
  const head = objectOf(forge, json.head);
  const base = objectOf(forge, json.base);
  return {
    number: numberOf(forge, json.number),
    url: textOf(json.html_url),
    isOpen: json.state === 'open',
    isMerged,
    branch: isOwn(head, base) ? textOf(head.ref) : null,
    head: textOf(head.sha),
    into: textOf(base.ref),
    title: textOf(json.title),
    body: textOf(json.body),
  };
}

export const commentIn = ({ id, user, body }: Json): ForgeComment => ({
  ...{ id: Number(id), by: loginOf(user) ?? '', body: textOf(body) },
});

/** Name of an account; `null` where there is none. */
export const loginOf = (user: unknown): string | null => {
  const { login } = (user ?? {}) as { readonly login?: unknown };
  return typeof login === 'string' && login !== '' ? login : null;
};
