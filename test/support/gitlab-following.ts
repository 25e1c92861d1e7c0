import type { MergeMethod } from '../../model/forge/merging.js';
import type { Heads, MergeInto } from './forge-remote.js';
import { added, pageOf, type Answer, type Asked, type Json } from './forge-server.js';

export interface GitlabFollowing {
  /** Members of the project and of the groups above it. */
  readonly members: Json[];
  readonly settings: {
    merge_method: 'merge' | 'rebase_merge' | 'ff';
    squash_option: 'never' | 'always' | 'default_on' | 'default_off';
    only_allow_merge_if_pipeline_succeeds: boolean;
    approvals_before_merge: number;
  };
  /** Does what GitLab does by itself when something has changed. */
  settle(): Promise<void>;
  /** As a person does by a button. @returns what GitLab says against it */
  merge(iid: number, by: string): Promise<string | null>;
  mergeLater(iid: number, by: string): void;
  close(iid: number, by: string): void;
  approve(iid: number, by: string): Promise<void>;
  /** Lines that are commands to GitLab are done, and are no note then. */
  comment(iid: number, by: string, body: string): Promise<void>;
}

interface Parts {
  readonly requests: Json[];
  readonly notes: Json[];
  readonly statuses: readonly Json[];
  readonly heads: Heads;
  readonly mergeInto: MergeInto;
  /** Account of all tokens. */
  readonly owner: string;
}

/** The half of a small GitLab that merges, and says who did what. `null`: not asked of it. */
export function gitlabFollowing({ requests, notes, statuses, heads, mergeInto, owner }: Parts): GitlabFollowing & {
  readonly answer: (asked: Asked, path: readonly string[], url: string) => Promise<Answer | null>;
} {
  const settings: GitlabFollowing['settings'] = {
    merge_method: 'merge',
    squash_option: 'default_off',
    only_allow_merge_if_pipeline_succeeds: false,
    approvals_before_merge: 0,
  };
  const members: Json[] = [{ id: 1, username: owner, access_level: 40, state: 'active' }];
  const approvals = new Map<unknown, Set<string>>();
  const versions: Json[] = [];
  const now = (): string => new Date().toISOString();

  const pipelineOf = (sha: unknown): string | null => {
    const all = statuses.filter((each) => each.sha === sha).map(({ name }) => name);
    const newest = [...new Set(all)].map((name) => statuses.findLast((each) => each.sha === sha && each.name === name));
    const states = newest.map((each) => String(each?.status));
    if (states.length === 0) return null;
    if (states.some((state) => state === 'failed' || state === 'canceled')) return 'failed';
    return states.every((state) => state === 'success') ? 'success' : 'running';
  };

  /** An open request is at whatever its branch is at; a push ends its auto-merge. */
  const follow = (request: Json, at: ReadonlyMap<string, string>): void => {
    if (request.state !== 'opened') return;
    const sha = at.get(String(request.source_branch)) ?? request.sha;
    if (sha !== request.sha) Object.assign(request, { merge_when_pipeline_succeeds: false, merge_user: null });
    request.sha = sha;
    const versionsOf = versions.filter(({ of }) => of === request.iid);
    if (versionsOf.at(-1)?.head_commit_sha !== sha)
      added(versions, { of: request.iid, head_commit_sha: sha, created_at: now() });
    const pipeline = pipelineOf(sha);
    request.head_pipeline = pipeline === null ? null : { status: pipeline };
    const isApproved = (approvals.get(request.iid)?.size ?? 0) >= settings.approvals_before_merge;
    request.detailed_merge_status = isApproved ? statusOf(pipeline) : 'not_approved';
  };
  const statusOf = (pipeline: string | null): string => {
    if (!settings.only_allow_merge_if_pipeline_succeeds || pipeline === 'success') return 'mergeable';
    return pipeline === 'running' ? 'ci_still_running' : 'ci_must_pass';
  };

  const mergeRequest = async (request: Json, by: string, squash: boolean, message: string): Promise<string | null> => {
    if (request.detailed_merge_status !== 'mergeable') return '405 Method Not Allowed';
    const isFast = settings.merge_method === 'ff';
    const method: MergeMethod = squash ? 'squash' : isFast ? 'fast-forward' : 'merge';
    const commit = await mergeInto(String(request.target_branch), String(request.sha), { method, message });
    if (commit === null) return 'Branch cannot be merged';
    const made = { merge_commit_sha: method === 'merge' ? commit : null, squash_commit_sha: squash ? commit : null };
    const merged = { state: 'merged', merge_user: { username: by }, merge_when_pipeline_succeeds: false };
    Object.assign(request, made, merged);
    return null;
  };
  const settle = async (): Promise<void> => {
    const at = await heads();
    for (const request of requests) {
      follow(request, at);
      if (request.state === 'opened' && request.merge_when_pipeline_succeeds === true)
        await mergeRequest(request, askedBy(request), request.squash === true, String(request.title));
    }
  };

  const answer = async (
    asked: Asked,
    [what = '', id = '', below = '']: readonly string[],
    url: string,
  ): Promise<Answer | null> => {
    const { method, body, query } = asked;
    if (what === 'repository' && id === 'branches') {
      const sha = (await heads()).get(decodeURIComponent(below));
      return sha === undefined
        ? no(404, '404 Branch Not Found')
        : { status: 200, json: { name: below, commit: { id: sha } } };
    }
    if (what === 'members') {
      const found = members.filter(({ username }) => String(username).includes(query.get('query') ?? ''));
      return pageOf(found, asked, url, 20);
    }
    const request = requests.find(({ iid }) => what === 'merge_requests' && String(iid) === id);
    if (request === undefined) return null;
    follow(request, await heads());
    switch (`${method} ${below}`) {
      case 'GET ':
        return { status: 200, json: request };
      case 'GET approvals': {
        const by = [...(approvals.get(request.iid) ?? [])];
        return { status: 200, json: { approved_by: by.map((username) => ({ user: { username } })) } };
      }
      case 'GET versions':
        return pageOf(versions.filter(({ of }) => of === request.iid).toReversed(), asked, url, 20);
      case 'POST cancel_merge_when_pipeline_succeeds':
        if (request.state !== 'opened') return no(405, '405 Method Not Allowed');
        if (request.merge_when_pipeline_succeeds !== true) return no(406, '406 Not Acceptable');
        Object.assign(request, { merge_when_pipeline_succeeds: false, merge_user: null });
        return { status: 201, json: request };
      case 'PUT merge': {
        if (request.state !== 'opened') return no(405, '405 Method Not Allowed');
        if (body.sha !== request.sha)
          return no(409, `SHA does not match HEAD of source branch: ${String(request.sha)}`);
        const squash = body.squash === true;
        const isLater = body.auto_merge === true && pipelineOf(request.sha) === 'running';
        if (isLater) {
          Object.assign(request, { merge_when_pipeline_succeeds: true, squash, merge_user: { username: owner } });
          return { status: 200, json: request };
        }
        const message = String(body.squash_commit_message ?? body.merge_commit_message ?? request.title);
        const refused = await mergeRequest(request, owner, squash, message);
        return refused === null ? { status: 200, json: request } : no(refused.startsWith('405') ? 405 : 422, refused);
      }
      default:
        return null;
    }
  };

  const approve = async (iid: number, by: string): Promise<void> => {
    await settle();
    approvals.set(iid, new Set([...(approvals.get(iid) ?? []), by]));
    note(iid, by, 'approved this merge request', true);
  };
  const note = (iid: number, by: string, body: string, system: boolean): void => {
    added(notes, { noteable_iid: iid, system, body, author: { username: by }, created_at: now() });
  };

  return {
    ...{ members, settings, settle, answer, approve },
    comment: async (iid, by, body) => {
      if (body.startsWith('/approve')) await approve(iid, by);
      else note(iid, by, body, false);
    },
    merge: async (iid, by) => {
      await settle();
      return mergeRequest(requests[iid - 1] ?? {}, by, false, 'Merge');
    },
    mergeLater: (iid, by) => {
      const later = { merge_when_pipeline_succeeds: true, merge_user: { username: by } };
      Object.assign(requests[iid - 1] ?? {}, later);
    },
    close: (iid, by) => {
      Object.assign(requests[iid - 1] ?? {}, { state: 'closed', closed_by: { username: by } });
    },
  };
}

const askedBy = ({ merge_user: account }: Json): string => String((account as Json | null)?.username);

const no = (status: number, message: string): Answer => ({ status, json: { message } });
