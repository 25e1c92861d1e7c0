import type { MergeMethod } from '../../model/forge/merging.js';
import type { Heads, MergeInto } from './forge-remote.js';
import { pageOf, type Answer, type Asked, type Json } from './forge-server.js';

/** What people did to a pull request, which lists of them do not have. */
interface More {
  auto_merge: { readonly merge_method: string; readonly enabled_by: Json } | null;
  how: MergeMethod;
  merged_by: Json | null;
  closed_by: Json | null;
  merge_commit_sha: string | null;
}

export interface GithubFollowing {
  /** What each account may do in the repository. */
  readonly accounts: Map<string, string>;
  readonly settings: Record<
    'allow_merge_commit' | 'allow_squash_merge' | 'allow_rebase_merge' | 'allow_auto_merge',
    boolean
  >;
  /** Checks that the base branch requires, by its older protection and by rules. */
  readonly required: {
    byProtection: readonly string[];
    byRules: readonly string[];
    /** An approving review, which the account of all tokens may do without. */
    review: boolean;
  };
  readonly reviews: Json[];
  readonly checkRuns: Json[];
  /** Does what GitHub does by itself when something has changed. */
  settle(): Promise<void>;
  /** As a person does by a button. @returns what GitHub says against it */
  merge(number: number, method: MergeMethod, by: string): Promise<string | null>;
  mergeLater(number: number, method: MergeMethod, by: string): void;
  close(number: number, by: string): void;
}

interface Parts {
  readonly pulls: Json[];
  readonly statuses: readonly Json[];
  readonly heads: Heads;
  readonly mergeInto: MergeInto;
  /** Account of all tokens. */
  readonly owner: string;
}

const CLEAN = 'Pull request Pull request is in clean status';

/** The half of a small GitHub that merges, and says who did what. `null`: not asked of it. */
export function githubFollowing({ pulls, statuses, heads, mergeInto, owner }: Parts): GithubFollowing & {
  readonly answer: (asked: Asked, path: string, url: string) => Promise<Answer | null>;
  readonly graphql: (asked: Asked) => Promise<Answer>;
} {
  const accounts = new Map([[owner, 'write']]);
  const settings = {
    allow_merge_commit: true,
    allow_squash_merge: true,
    allow_rebase_merge: true,
    allow_auto_merge: true,
  };
  const required: GithubFollowing['required'] = { byProtection: [], byRules: [], review: false };
  const [reviews, checkRuns]: [Json[], Json[]] = [[], []];
  const known = new Map<unknown, More>();
  const moreOf = (number: unknown): More => {
    const none = { auto_merge: null, how: 'merge', merged_by: null, closed_by: null, merge_commit_sha: null } as const;
    const more = known.get(number) ?? { ...none };
    known.set(number, more);
    return more;
  };
  const headOf = (pull: Json): string => String((pull.head as Json).sha);

  const missing = (sha: string): string | undefined =>
    [...required.byProtection, ...required.byRules].find((name) => {
      const status = statuses.findLast(({ of, context }) => of === sha && context === name);
      const isChecked = checkRuns.some(
        (run) => run.head_sha === sha && run.name === name && run.conclusion === 'success',
      );
      return status?.state !== 'success' && !isChecked;
    });

  const isReviewed = (pull: Json): boolean =>
    reviews.some((each) => each.of === pull.number && each.commit_id === headOf(pull) && each.state === 'APPROVED');
  const stateOf = (pull: Json): string => {
    if (pull.draft === true) return 'draft';
    return missing(headOf(pull)) === undefined && (!required.review || isReviewed(pull)) ? 'clean' : 'blocked';
  };

  const follow = (pull: Json, at: ReadonlyMap<string, string>): void => {
    const head = pull.head as Json;
    if (pull.state === 'open') head.sha = at.get(String(head.ref)) ?? head.sha;
  };
  const isMerged = (pull: Json, by: string, commit: string): void => {
    Object.assign(pull, { state: 'closed', merged_at: new Date().toISOString() });
    Object.assign(moreOf(pull.number), {
      ...{ auto_merge: null, merged_by: { login: by }, closed_by: { login: by }, merge_commit_sha: commit },
    });
  };
  const mergePull = async (pull: Json, method: MergeMethod, message: string, by: string): Promise<string | null> => {
    const lacks = missing(headOf(pull));
    if (lacks !== undefined) return `Required status check "${lacks}" is expected.`;
    if (method === 'merge' && !settings.allow_merge_commit) return 'Merge commits are not allowed on this repository.';
    if (method === 'squash' && !settings.allow_squash_merge) return 'Squash merges are not allowed on this repository.';
    if (method === 'rebase' && !settings.allow_rebase_merge) return 'Rebase merges are not allowed on this repository.';
    const commit = await mergeInto(String((pull.base as Json).ref), headOf(pull), { method, message });
    if (commit === null) return 'Pull Request is not mergeable';
    isMerged(pull, by, commit);
    return null;
  };
  const settle = async (): Promise<void> => {
    const at = await heads();
    for (const pull of pulls) {
      follow(pull, at);
      const { auto_merge: auto, how } = moreOf(pull.number);
      if (pull.state === 'open' && auto !== null)
        await mergePull(pull, how, String(pull.title), String(auto.enabled_by.login));
    }
  };

  const answer = async (asked: Asked, path: string, url: string): Promise<Answer | null> => {
    const [, what = '', id = '', below = ''] = path.split('/');
    const pull = pulls.find(({ number }) => what === 'pulls' && String(number) === id);
    const { method, body } = asked;
    if (pull !== undefined && method === 'GET' && below === '') {
      follow(pull, await heads());
      const { auto_merge, merged_by, merge_commit_sha } = moreOf(pull.number);
      const merged = { merged: pull.merged_at !== null, merged_by, merge_commit_sha };
      const extra = { node_id: `PR_${id}`, auto_merge, ...merged, mergeable_state: stateOf(pull) };
      return { status: 200, json: { ...pull, ...extra } };
    }
    if (pull !== undefined && method === 'PUT' && below === 'merge') {
      follow(pull, await heads());
      if (pull.state !== 'open') return no(405, 'Pull Request is not mergeable');
      if (body.sha !== headOf(pull)) return no(409, 'Head branch was modified. Review and try the merge again.');
      const message = `${textOf(body.commit_title)}\n\n${textOf(body.commit_message)}`;
      const refused = await mergePull(pull, (body.merge_method ?? 'merge') as MergeMethod, message, owner);
      if (refused !== null) return no(405, refused);
      const { merge_commit_sha: sha } = moreOf(pull.number);
      return { status: 200, json: { sha, merged: true, message: 'Pull Request successfully merged' } };
    }
    if (pull !== undefined && below === 'reviews')
      return pageOf(reviews.filter((each) => each.of === pull.number).map(withoutOf), asked, url, 30);
    if (method === 'GET' && what === 'issues' && below === '') {
      const { state } = pulls.find(({ number }) => String(number) === id) ?? {};
      return { status: 200, json: { number: Number(id), state, closed_by: moreOf(Number(id)).closed_by } };
    }
    if (what === 'branches') {
      const name = path.slice('/branches/'.length);
      const sha = (await heads()).get(name);
      if (sha === undefined) return no(404, 'Branch not found');
      const contexts = name === 'main' ? required.byProtection : [];
      const level = contexts.length === 0 ? 'off' : 'everyone';
      const protection = { enabled: level !== 'off', required_status_checks: { enforcement_level: level, contexts } };
      return { status: 200, json: { name, commit: { sha }, protected: level !== 'off', protection } };
    }
    if (what === 'rules') {
      const checks = required.byRules.map((context) => ({ context }));
      const rule = {
        ruleset_id: 7,
        parameters: { strict_required_status_checks_policy: false, required_status_checks: checks },
      };
      const rules =
        checks.length === 0
          ? []
          : [
              { type: 'deletion', ruleset_id: 7 },
              { type: 'required_status_checks', ...rule },
            ];
      return { status: 200, json: path.endsWith('/main') ? rules : [] };
    }
    if (what === 'collaborators') {
      const permission = accounts.get(id);
      return permission === undefined ? no(404, `${id} is not a user`) : { status: 200, json: { permission } };
    }
    if (what === 'commits' && below === 'check-runs') {
      const runs = checkRuns.filter((run) => run.head_sha === id);
      return { status: 200, json: { total_count: runs.length, check_runs: runs } };
    }
    if (method === 'PATCH' && what === 'git') {
      const lacks = missing(String(body.sha));
      if (lacks !== undefined) return no(422, `Required status check "${lacks}" is expected.`);
      const branch = path.slice('/git/refs/heads/'.length);
      const commit = await mergeInto(branch, String(body.sha), { method: 'fast-forward', message: '' });
      if (commit === null) return no(422, 'Update is not a fast forward');
      for (const each of pulls) if (each.state === 'open' && headOf(each) === commit) isMerged(each, owner, commit);
      return { status: 200, json: { ref: `refs/heads/${branch}`, object: { sha: commit } } };
    }
    return null;
  };

  const graphql = async ({ body }: Asked): Promise<Answer> => {
    const [, mutation = ''] = /\{\s*(\w+)\(input: \$input\)/.exec(String(body.query)) ?? [];
    const { input } = body.variables as { readonly input: Json };
    const pull = pulls.find(({ number }) => `PR_${String(number)}` === input.pullRequestId);
    const refusal = (type: string, message: string): Answer => ({
      status: 200,
      json: { data: { [mutation]: null }, errors: [{ type, path: [mutation], message }] },
    });
    if (pull === undefined) return refusal('NOT_FOUND', 'Could not resolve to a node with the global id');
    follow(pull, await heads());
    const more = moreOf(pull.number);
    if (mutation === 'disablePullRequestAutoMerge') {
      if (more.auto_merge === null) return refusal('UNPROCESSABLE', "Can't disable auto-merge for this pull request.");
      more.auto_merge = null;
    } else {
      if (!settings.allow_auto_merge)
        return refusal('UNPROCESSABLE', 'Pull request Auto merge is not allowed for this repository');
      if (input.expectedHeadOid !== headOf(pull)) return refusal('UNPROCESSABLE', 'Head branch was modified.');
      if (missing(headOf(pull)) === undefined) return refusal('UNPROCESSABLE', CLEAN);
      const method = String(input.mergeMethod).toLowerCase();
      more.how = method as MergeMethod;
      more.auto_merge = { merge_method: method, enabled_by: { login: owner } };
    }
    return { status: 200, json: { data: { [mutation]: { clientMutationId: null } } } };
  };

  return {
    ...{ accounts, settings, required, reviews, checkRuns, settle, answer, graphql },
    merge: async (number, method, by) => {
      const pull = pulls[number - 1] ?? {};
      follow(pull, await heads());
      return mergePull(pull, method, String(pull.title), by);
    },
    mergeLater: (number, method, by) => {
      Object.assign(moreOf(number), { how: method, auto_merge: { merge_method: method, enabled_by: { login: by } } });
    },
    close: (number, by) => {
      Object.assign(pulls[number - 1] ?? {}, { state: 'closed' });
      moreOf(number).closed_by = { login: by };
    },
  };
}

const no = (status: number, message: string): Answer => ({
  status,
  json: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) },
});

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const withoutOf = (json: Json): Json => Object.fromEntries(Object.entries(json).filter(([name]) => name !== 'of'));
