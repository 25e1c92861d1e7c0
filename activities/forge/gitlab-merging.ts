import type { MergeMethod } from '../../model/forge/merging.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { oneLine } from '../../model/text/one-line.js';
import { refused } from './answers.js';
import type { Http } from './http.js';
import { objectOf, textOf, type Json } from './json.js';
import { otherBase } from './required.js';
import type { ForgeApproval, ForgeClient, ForgeMerging, ForgeRequest, HowToMerge } from './types.js';

/** Least level of those who may push to branches that are not protected. */
const DEVELOPER = 30;
/** What GitLab itself notes of an approval. */
const APPROVED = 'approved this merge request';

interface Parts {
  readonly requestOf: (json: Json) => ForgeRequest;
  readonly list: (path: string) => Promise<readonly Json[]>;
  /** All notes of a request, GitLab's own too, the oldest first. */
  readonly notes: (number: number) => Promise<readonly Json[]>;
  readonly statuses: ForgeClient['statuses'];
}

/** Following requests of GitLab, which decides by itself whether a pipeline, approvals and the like are there. */
export function gitlabMerging(
  forge: ForgeOptions,
  http: Http,
  { requestOf, list, notes, statuses }: Parts,
): ForgeMerging {
  const get = async (path: string): Promise<Json> => objectOf(forge, (await http.call({ method: 'GET', path })).json);
  const wholeRequest = (number: number): Promise<Json> => get(`/merge_requests/${number}`);

  const merge = async (number: number, how: HowToMerge, later: boolean): Promise<string | null> => {
    const json = await wholeRequest(number);
    const { detailed_merge_status: detailed, merge_when_pipeline_succeeds: scheduled } = json;
    // It compares no target, so that is looked at directly before.
    if (requestOf(json).into !== how.into) return otherBase(how);
    if (later && scheduled === true) return null;
    // Empty before GitLab 15.6.
    const state = textOf(detailed);
    const waits = `GitLab, which says "${oneLine(state.replaceAll('_', ' '), 100)}"`;
    if (!later && state !== '' && state !== 'mergeable') return waits;
    const { commit, method, title, message } = how;
    const text = `${title}\n\n${message}`;
    const body = {
      ...{ sha: commit, squash: method === 'squash', should_remove_source_branch: false },
      ...(method === 'squash' ? { squash_commit_message: text } : {}),
      ...(method === 'merge' ? { merge_commit_message: text } : {}),
      // The first is GitLab's from 17.11 on.
      ...(later ? { auto_merge: true, merge_when_pipeline_succeeds: true } : {}),
    };
    const { status, said } = await http.call({
      ...{ method: 'PUT', path: `/merge_requests/${number}/merge`, body },
      expects: [401, 405, 406, 409, 422],
    });
    if (status === 401)
      throw refused(
        forge,
        `does not let the account of the token merge (HTTP 401): allow it in the settings of the protected branch`,
      );
    if (status < 300) return null;
    return status === 405 && state !== '' && state !== 'mergeable' ? waits : said || `HTTP ${status}`;
  };

  const takeBack = async (number: number): Promise<void> => {
    const { merge_when_pipeline_succeeds: scheduled } = await wholeRequest(number);
    if (scheduled !== true) return;
    const path = `/merge_requests/${number}/cancel_merge_when_pipeline_succeeds`;
    await http.call({ method: 'POST', path, expects: [405, 406] });
  };

  return {
    request: async (number) => {
      const json = await wholeRequest(number);
      const request = requestOf(json);
      const commit = textOf(json.merge_commit_sha) || textOf(json.squash_commit_sha) || request.head;
      const by = usernameOf(json.merge_user) ?? usernameOf(json.merged_by);
      return { ...request, merged: request.isMerged ? { commit, by } : null };
    },
    closedBy: async (number) => usernameOf((await wholeRequest(number)).closed_by),
    branch: async (name) => {
      const path = `/repository/branches/${encodeURIComponent(name)}`;
      const { status, json } = await http.call({ method: 'GET', path, expects: [404] });
      if (status === 404) return null;
      return { tip: textOf(objectOf(forge, objectOf(forge, json).commit).id), requires: [] };
    },
    approvals: async (number) => {
      const { approved_by: approved } = await get(`/merge_requests/${number}/approvals`);
      const accounts = Array.isArray(approved) ? approved.map((each) => usernameOf((each as Json).user)) : [];
      if (accounts.length === 0) return [];
      // Only the notes say when, and only the versions what the request held then.
      const versions = await list(`/merge_requests/${number}/versions`);
      const newest = new Map<string, ForgeApproval>();
      for (const { id, author, body, system, created_at: at } of await notes(number)) {
        const by = usernameOf(author);
        if (by === null || system !== true || body !== APPROVED || !accounts.includes(by)) continue;
        newest.set(by, { id: Number(id), by, commit: headAt(versions, textOf(at)), body: '', isOfficial: null });
      }
      return [...newest.values()];
    },
    mayPush: async (account) => {
      const members = await list(`/members/all?query=${encodeURIComponent(account)}`);
      const { access_level: level, state } = members.find(({ username }) => username === account) ?? {};
      return Number(level ?? 0) >= DEVELOPER && (state === undefined || state === 'active');
    },
    checks: statuses,
    methods: async () => {
      const { merge_method: way, squash_option: squash } = await get('');
      const plain: MergeMethod = way === 'ff' ? 'fast-forward' : 'merge';
      if (squash === 'always') return ['squash'];
      if (squash === 'never') return [plain];
      return squash === 'default_on' && plain === 'merge' ? ['squash', plain] : [plain, 'squash'];
    },
    unguarded: async () => {
      const { only_allow_merge_if_pipeline_succeeds: isGuarded } = await get('');
      // It ends its auto-merge by itself when somebody pushes.
      if (isGuarded === true) return null;
      return 'the project does not require pipelines to succeed. Turn that on in its settings (Merge requests)';
    },
    merge: (number, how) => merge(number, how, false),
    mergeLater: (number, how) => merge(number, how, true),
    takeBack,
    takeOwnBack: async (number) => {
      const { author, merge_user: by } = await wholeRequest(number);
      if (usernameOf(by) !== null && usernameOf(by) === usernameOf(author)) await takeBack(number);
    },
  };
}

/** Name of an account; `null` where there is none. */
export const usernameOf = (user: unknown): string | null => textOf((user as Json | null | undefined)?.username) || null;

/** The commit that a request was at at some time; empty when that is not known. @param versions the newest first */
const headAt = (versions: readonly Json[], time: string): string =>
  textOf(versions.find(({ created_at: at }) => Date.parse(textOf(at)) <= Date.parse(time))?.head_commit_sha);
