import type { MergeMethod } from '../../model/forge/merging.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { notOfItsKind } from './answers.js';
import { requestOf } from './gitea-request.js';
import type { Http } from './http.js';
import { loginOf } from './issue-api.js';
import { objectOf, textOf, type Json } from './json.js';
import { otherBase, unlessRequired } from './required.js';
import type { ForgeApproval, ForgeClient, ForgeMerging, HowToMerge } from './types.js';

/** By the name that the API has for it, and the field that says whether a repository allows it. */
const METHODS: Readonly<Record<MergeMethod, { readonly style: string; readonly field: string }>> = {
  'fast-forward': { style: 'fast-forward-only', field: 'allow_fast_forward_only_merge' },
  merge: { style: 'merge', field: 'allow_merge_commits' },
  rebase: { style: 'rebase', field: 'allow_rebase' },
  squash: { style: 'squash', field: 'allow_squash_merge' },
};

const SCHEDULED = 'pull_scheduled_merge';
const SCHEDULING: readonly string[] = [SCHEDULED, 'pull_cancel_scheduled_merge'];

/** Following requests of Gitea and Forgejo. @param list all of a list of the API @param statuses of a commit */
export function giteaMerging(
  forge: ForgeOptions,
  http: Http,
  list: (path: string) => Promise<readonly Json[]>,
  statuses: ForgeClient['statuses'],
): ForgeMerging {
  const get = async (path: string): Promise<Json> => objectOf(forge, (await http.call({ method: 'GET', path })).json);
  const merge = async (number: number, how: HowToMerge, later: boolean): Promise<string | null> => {
    const { commit, method, title, message } = how;
    // It compares no base, so that is looked at directly before.
    if (requestOf(forge, await get(`/pulls/${number}`)).into !== how.into) return otherBase(how);
    const body = {
      do: METHODS[method].style,
      head_commit_id: commit,
      ...(method === 'merge' || method === 'squash' ? { merge_title_field: title, merge_message_field: message } : {}),
      ...(later ? { merge_when_checks_succeed: true } : {}),
    };
    const { status, said } = await http.call({
      ...{ method: 'POST', path: `/pulls/${number}/merge`, body },
      expects: [405, 409],
    });
    if (status < 300 || (later && status === 409 && /already scheduled/i.test(said))) return null;
    return said === '' ? `HTTP ${status}` : said;
  };
  const takeBack = async (number: number): Promise<void> => {
    await http.call({ method: 'DELETE', path: `/pulls/${number}/merge`, expects: [404] });
  };
  return {
    request: async (number) => {
      const json = await get(`/pulls/${number}`);
      const request = requestOf(forge, json);
      const merged = { commit: textOf(json.merge_commit_sha), by: loginOf(json.merged_by) };
      return { ...request, merged: request.isMerged ? merged : null };
    },
    closedBy: async (number) => {
      const events = await list(`/issues/${number}/timeline`);
      return loginOf(events.filter(({ type }) => type === 'close').at(-1)?.user);
    },
    branch: async (name) => {
      const path = `/branches/${name.split('/').map(encodeURIComponent).join('/')}`;
      const { status, json } = await http.call({ method: 'GET', path, expects: [404] });
      if (status === 404) return null;
      const branch = objectOf(forge, json);
      const contexts: unknown = branch.status_check_contexts;
      const names = Array.isArray(contexts) ? contexts.map(textOf) : [];
      // Without names all statuses count that there are.
      const required = branch.enable_status_check !== true ? [] : names.length === 0 ? ['*'] : names;
      return {
        tip: textOf(objectOf(forge, branch.commit).id),
        requires: required.map((glob) => ({ name: glob, matches: (context) => globOf(glob).test(context) })),
      };
    },
    approvals: async (number) => {
      const newest = new Map<string, ForgeApproval | null>();
      for (const { id, user, state, dismissed, commit_id: commit, body, official } of await list(
        `/pulls/${number}/reviews`,
      )) {
        const by = loginOf(user);
        if (by === null || (state !== 'APPROVED' && state !== 'REQUEST_CHANGES')) continue;
        const counts = state === 'APPROVED' && dismissed !== true;
        // Official reviews are those of accounts that may push.
        const approval = {
          id: Number(id),
          by,
          commit: textOf(commit),
          body: textOf(body),
          isOfficial: official === true,
        };
        newest.set(by, counts ? approval : null);
      }
      return [...newest.values()].filter((approval) => approval !== null);
    },
    mayPush: async (account) => {
      const path = `/collaborators/${encodeURIComponent(account)}/permission`;
      const { status, json } = await http.call({ method: 'GET', path, expects: [403, 404] });
      if (status === 403) return null;
      return status !== 404 && ['write', 'admin', 'owner'].includes(textOf(objectOf(forge, json).permission));
    },
    methods: async () => {
      const repository = await get('');
      const all = Object.entries(METHODS) as [MergeMethod, (typeof METHODS)[MergeMethod]][];
      const allowed = all.filter(([, { field }]) => repository[field] === true);
      if (allowed.length === 0) throw notOfItsKind(forge, 'a way of merging');
      const usual = allowed.filter(([, { style }]) => style === repository.default_merge_style);
      const fast = allowed.filter(([method]) => method === 'fast-forward');
      return [...new Set([...fast, ...usual, ...allowed].map(([method]) => method))];
    },
    checks: statuses,
    unguarded: (name, branch) => Promise.resolve(unlessRequired(name, branch)),
    merge: (number, how) => merge(number, how, false),
    mergeLater: (number, how) => merge(number, how, true),
    takeBack,
    takeOwnBack: async (number) => {
      const { user } = await get(`/pulls/${number}`);
      // Only its events say who asked for it.
      const events = await list(`/issues/${number}/timeline`);
      const last = events.filter(({ type }) => SCHEDULING.includes(textOf(type))).at(-1);
      const by = last?.type === SCHEDULED ? loginOf(last.user) : null;
      if (by !== null && by === loginOf(user)) await takeBack(number);
    },
  };
}

/** What a glob of a branch's rules means: `*`, `?`, `[abc]` and `{a,b}`, as gobwas/glob has them without separators. */
function globOf(glob: string): RegExp {
  const source = glob.replace(/[.+^$()|\\]|\*+|\?|\{|\}|,|\[!/g, (found) => {
    if (found.startsWith('*')) return '.*';
    return { '?': '.', '{': '(?:', '}': ')', ',': glob.includes('{') ? '|' : ',', '[!': '[^' }[found] ?? `\\${found}`;
  });
  try {
    return new RegExp(`^(?:${source})$`, 's');
  } catch {
    // What no expression can be made of matches nothing, so that the request waits for a person.
    return /^(?!)/;
  }
}
