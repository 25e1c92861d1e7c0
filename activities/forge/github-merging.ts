import { graphqlAddress } from '../../model/forge/github.js';
import type { MergeMethod } from '../../model/forge/merging.js';
import type { CommitStatus } from '../../model/report/forge/statuses.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { oneLine } from '../../model/text/one-line.js';
import { notOfItsKind, refused, unreachable } from './answers.js';
import type { Http, Reply } from './http.js';
import { loginOf } from './issue-api.js';
import { objectOf, textOf, type Json } from './json.js';
import { otherBase, unlessRequired } from './required.js';
import type { ForgeApproval, ForgeClient, ForgeMerging, ForgeRequest, HowToMerge } from './types.js';

type ApiMethod = Exclude<MergeMethod, 'fast-forward'>;

/** By the field that says whether a repository allows it. */
const METHODS: Readonly<Record<ApiMethod, string>> = {
  merge: 'allow_merge_commit',
  squash: 'allow_squash_merge',
  rebase: 'allow_rebase_merge',
};
const CHECKS_PAGES = 10;
/** What GitHub says of requests whose branch's rules are met; `unstable`: other checks are not good. */
const READY: readonly string[] = ['clean', 'unstable', 'has_hooks'];
const LIMIT_PAUSE_SECONDS = 60;

const ENABLE = `mutation Enable($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { clientMutationId }
}`;
const DISABLE = `mutation Disable($input: DisablePullRequestAutoMergeInput!) {
  disablePullRequestAutoMerge(input: $input) { clientMutationId }
}`;

interface Parts {
  readonly requestOf: (json: Json) => ForgeRequest;
  readonly list: (path: string) => Promise<readonly Json[]>;
  readonly statuses: ForgeClient['statuses'];
}

/** Following requests of GitHub. Auto-merge is in its GraphQL API alone. */
export function githubMerging(forge: ForgeOptions, http: Http, { requestOf, list, statuses }: Parts): ForgeMerging {
  const get = async (path: string): Promise<Json> => objectOf(forge, (await http.call({ method: 'GET', path })).json);
  const pull = (number: number): Promise<Json> => get(`/pulls/${number}`);

  /** @returns what GitHub says against it; `null` when it was done */
  const mutate = async (query: string, input: Json): Promise<string | null> => {
    const address = graphqlAddress(forge.url);
    const reply = await http.call({ method: 'POST', path: '', address, body: { query, variables: { input } } });
    const { errors } = objectOf(forge, reply.json);
    if (errors === undefined) return null;
    const types = Array.isArray(errors) ? errors.map((each) => textOf((each as Json).type)) : [];
    if (types.includes('RATE_LIMITED')) throw unreachable(forge, 'asks for a pause (GraphQL)', LIMIT_PAUSE_SECONDS);
    if (types.includes('FORBIDDEN') || types.includes('INSUFFICIENT_SCOPES'))
      throw refused(forge, `does not let the token merge: ${saidBy(reply)}`);
    return saidBy(reply);
  };

  const mergeNow = async (number: number, how: HowToMerge): Promise<string | null> => {
    const waits = waitsFor(await pull(number), how);
    if (waits !== null) return waits;
    const { commit, method, title, message } = how;
    if (method === 'fast-forward') return await forward(how);
    const texts = method === 'rebase' ? {} : { commit_title: title, commit_message: message };
    const { status, said } = await http.call({
      ...{ method: 'PUT', path: `/pulls/${number}/merge`, body: { sha: commit, merge_method: method, ...texts } },
      expects: [405, 409],
    });
    return status < 300 ? null : said || `HTTP ${status}`;
  };

  /** Rules that GitHub may let the account of the token pass by, such as those of reviews, are to be met nevertheless. */
  const waitsFor = (json: Json, how: HowToMerge): string | null => {
    const { mergeable_state: state, draft } = json;
    if (requestOf(json).into !== how.into) return otherBase(how);
    const said = draft === true ? 'draft' : textOf(state);
    return READY.includes(said) ? null : `GitHub, which says "${oneLine(said, 100)}"`;
  };

  /** Moves the branch itself: a merge of GitHub's is always another commit. */
  const forward = async ({ into, commit }: HowToMerge): Promise<string | null> => {
    const { status, said } = await http.call({
      ...{ method: 'PATCH', path: `/git/refs/heads/${branchPath(into)}`, body: { sha: commit, force: false } },
      expects: [409, 422],
    });
    return status < 300 ? null : said || `HTTP ${status}`;
  };

  const takeBack = async (number: number): Promise<void> => {
    const { node_id: id, auto_merge: scheduled } = await pull(number);
    if (!isThere(scheduled)) return;
    const said = await mutate(DISABLE, { pullRequestId: textOf(id) });
    if (said !== null && isThere((await pull(number)).auto_merge))
      throw unreachable(forge, `does not take its auto-merge back: ${said}`);
  };

  const checkRuns = async (commit: string): Promise<readonly CommitStatus[]> => {
    const found: CommitStatus[] = [];
    for (let page = 1; page <= CHECKS_PAGES; page += 1) {
      const { check_runs: runs } = await get(`/commits/${commit}/check-runs?per_page=100&page=${page}`);
      if (!Array.isArray(runs)) throw notOfItsKind(forge, 'a list of checks');
      found.push(...runs.map((run) => checkOf(objectOf(forge, run))));
      if (runs.length < 100) break;
    }
    return found;
  };

  return {
    request: async (number) => {
      const json = await pull(number);
      const request = requestOf(json);
      const merged = { commit: textOf(json.merge_commit_sha), by: loginOf(json.merged_by) };
      return { ...request, merged: request.isMerged ? merged : null };
    },
    closedBy: async (number) => loginOf((await get(`/issues/${number}`)).closed_by),
    branch: async (name) => {
      const path = `/branches/${branchPath(name)}`;
      const { status, json } = await http.call({ method: 'GET', path, expects: [404] });
      if (status === 404) return null;
      const branch = objectOf(forge, json);
      const names = [...protectedBy(branch), ...(await requiredByRules(name))];
      return {
        tip: textOf(objectOf(forge, branch.commit).sha),
        requires: [...new Set(names)].map((each) => ({ name: each, matches: (context) => context === each })),
      };
    },
    approvals: async (number) => {
      const newest = new Map<string, ForgeApproval | null>();
      for (const { id, user, state, commit_id: commit, body } of await list(`/pulls/${number}/reviews`)) {
        const by = loginOf(user);
        // A comment takes no approval back.
        if (by === null || !['APPROVED', 'CHANGES_REQUESTED', 'DISMISSED'].includes(textOf(state))) continue;
        const approval = { id: Number(id), by, commit: textOf(commit), body: textOf(body), isOfficial: null };
        newest.set(by, state === 'APPROVED' ? approval : null);
      }
      return [...newest.values()].filter((approval) => approval !== null);
    },
    mayPush: async (account) => {
      const path = `/collaborators/${encodeURIComponent(account)}/permission`;
      const { status, json } = await http.call({
        ...{ method: 'GET', path },
        expects: (code, said) => code === 404 || (code === 403 && /push access|not accessible/i.test(said)),
      });
      if (status === 403) return null;
      return status !== 404 && ['write', 'admin'].includes(textOf(objectOf(forge, json).permission));
    },
    checks: async (commit, required) => {
      const there = await statuses(commit);
      const isMet = required.every(({ matches }) => there.some(({ context }) => matches(context)));
      return isMet ? there : [...there, ...(await checkRuns(commit))];
    },
    methods: async (by) => {
      const repository = await get('');
      const all = Object.entries(METHODS) as [ApiMethod, string][];
      const allowed = all.filter(([, field]) => repository[field] === true).map(([method]) => method);
      if (allowed.length === 0)
        throw refused(forge, 'does not tell the token how requests are merged: give it the right to write contents');
      // Only for those who ask for it: whether the branch takes pushes is seen when it is tried.
      return by === 'self' ? [...allowed, 'fast-forward'] : allowed;
    },
    unguarded: async (name, branch) => {
      const why = unlessRequired(name, branch);
      if (why !== null || (await get('')).allow_auto_merge !== false) return why;
      return 'the repository does not allow auto-merge. Allow it in its settings (General, Pull Requests)';
    },
    merge: mergeNow,
    mergeLater: async (number, how) => {
      const json = await pull(number);
      const { node_id: id, auto_merge: scheduled } = json;
      if (requestOf(json).into !== how.into) return otherBase(how);
      if (isThere(scheduled)) return null;
      const said = await mutate(ENABLE, {
        ...{ pullRequestId: textOf(id), mergeMethod: how.method.toUpperCase(), expectedHeadOid: how.commit },
        ...(how.method === 'rebase' ? {} : { commitHeadline: how.title, commitBody: how.message }),
      });
      // What has nothing to wait for is not taken: all that the branch requires is there.
      return said !== null && /in (?:clean|unstable|has_hooks) status/i.test(said) ? await mergeNow(number, how) : said;
    },
    takeBack,
    takeOwnBack: async (number) => {
      const { auto_merge: scheduled, user } = await pull(number);
      const by = loginOf((scheduled as Json | null | undefined)?.enabled_by);
      if (by !== null && by === loginOf(user)) await takeBack(number);
    },
  };

  /** Rules of the repository and of its organization, which everybody may read who may read that. */
  async function requiredByRules(name: string): Promise<readonly string[]> {
    const names: string[] = [];
    for (let page = 1; page <= CHECKS_PAGES; page += 1) {
      const { status, json } = await http.call({
        ...{ method: 'GET', path: `/rules/branches/${branchPath(name)}?per_page=100&page=${page}` },
        // Old servers, and plans without them.
        expects: (code, said) => code === 404 || (code === 403 && /upgrade to/i.test(said)),
      });
      if (status >= 300) break;
      if (!Array.isArray(json)) throw notOfItsKind(forge, 'a list of rules');
      for (const { type, parameters } of json.map((each) => objectOf(forge, each)))
        if (type === 'required_status_checks') names.push(...contextsIn((parameters as Json).required_status_checks));
      if (json.length < 100) break;
    }
    return names;
  }
}

const isThere = (value: unknown): boolean => value !== null && value !== undefined;

const branchPath = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

const saidBy = ({ said }: Reply): string => (said === '' ? 'no reason was given' : said);

/** What the older protection of a branch requires; a branch without it says so too. */
function protectedBy({ protection }: Json): readonly string[] {
  const { required_status_checks: required } = (protection ?? {}) as Json;
  const { enforcement_level: level, contexts } = (required ?? {}) as Json;
  return level === 'off' || !Array.isArray(contexts) ? [] : contexts.map(textOf);
}

const contextsIn = (checks: unknown): readonly string[] =>
  Array.isArray(checks) ? checks.map((each) => textOf((each as Json).context)) : [];

/** As a branch that requires it takes it. */
function checkOf({ name, status, conclusion }: Json): CommitStatus {
  const isGood = ['success', 'neutral', 'skipped'].includes(textOf(conclusion));
  const state = status !== 'completed' ? 'pending' : isGood ? 'success' : 'failure';
  return { context: textOf(name), state, description: textOf(conclusion) };
}
