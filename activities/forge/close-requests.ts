import type { CoordinatorActivities } from '../../model/contract/activities.js';
import type { CloseRequestsInput } from '../../model/contract/requests.js';
import { forges } from '../../model/forge/index.js';
import { isOfDay } from '../../model/landing/branches.js';
import { fateOf, fateOfWhole, type EachRequest } from '../../model/landing/parts.js';
import {
  closingComment,
  doneComment,
  elsewhereComment,
  goneComment,
  readMark,
  type Mark,
  type MarkedComment,
} from '../../model/report/forge/request.js';
import type { ReportedRequest } from '../../model/report/data.js';
import { mayBeRunOfInstance } from '../../model/run/ids.js';
import type { ActivityEnvironment } from '../environment.js';
import { lockAt } from '../git/flake-files.js';
import { openGit } from '../git/git.js';
import { ensureMirror, fetchMirror, hasCommit } from '../git/mirror.js';
import { openForge } from './index.js';
import { close, ours, oursOfInputs, shown, takeOwnBack } from './talk.js';
import type { ForgeRequest } from './types.js';

/**
 * Only those are closed whose branch is as Lockkeeper pushed it last. What an earlier try of the run closed counts as closed. A
 * request that is closed is not left to the forge, which would merge it when somebody opens it again.
 */
export const createCloseRequests =
  (env: ActivityEnvironment): CoordinatorActivities['closeRequests'] =>
  async (input) => {
    const client = openForge(input.forge);
    const before = inQuestion(await client.requests('closed'), input);
    const mine = before.filter(({ body }) => readMark(body)?.closedBy === input.run);
    const closed: ReportedRequest[] = await Promise.all(mine.map((each) => shown(client, each)));
    const open = inQuestion(await client.requests('open'), input);
    const locked = open.length === 0 ? null : await lockedInputs(env, input);
    for (const request of open) {
      const mark = readMark(request.body);
      if (mark?.commit !== request.head) continue;
      const comment = lastWords(request, mark, input, locked);
      if (comment === null) continue;
      await takeOwnBack(client, request);
      await close(client, request, comment, input.run);
      closed.push(await shown(client, request));
    }
    return closed;
  };

/** Requests on the branch of the instance, or on any that begins with it where single inputs have some. */
function inQuestion(
  all: readonly ForgeRequest[],
  { repository, branch, each }: CloseRequestsInput,
): readonly ForgeRequest[] {
  if (each === undefined) return ours(all, repository, branch);
  const found = oursOfInputs(all, repository, branch);
  return each.together === true ? found.filter(({ body }) => readMark(body)?.part !== undefined) : found;
}

/** Inputs that the lock of main has; `null`: nobody asks. */
async function lockedInputs(
  env: ActivityEnvironment,
  { repository, base }: CloseRequestsInput,
): Promise<readonly string[] | null> {
  if (base === undefined) return null;
  const git = openGit(await ensureMirror(env, repository));
  if (!(await hasCommit(git, base))) await fetchMirror(env, repository);
  return [...(await lockAt(git, repository, base)).root.inputs.keys()];
}

/** Why a request is closed, as its last comment; `null` when it stays. */
function lastWords(
  request: ForgeRequest,
  mark: Mark,
  input: CloseRequestsInput,
  locked: readonly string[] | null,
): MarkedComment | null {
  const { repository, forge, each } = input;
  const { commit, part } = mark;
  const { mainBranch } = repository;
  if (each === undefined) return closingComment(mainBranch, commit);
  if (part === undefined) return lastWordsOfWhole(request, mark, input, each);
  if (part.instance !== each.instance) return null;
  const { inputs } = part;
  const fate = fateOf({ number: request.number, inputs }, each, locked);
  switch (fate.kind) {
    case 'stays':
      return null;
    case 'done':
      return doneComment(mainBranch, commit, fate.inputs);
    case 'gone':
      return goneComment(mainBranch, commit, inputs);
    case 'elsewhere':
      return elsewhereComment(commit, forges[forge.kind].reference(fate.request));
  }
}

/** The same of a request of all inputs, from the time before each had its own. */
function lastWordsOfWhole(
  { branch }: ForgeRequest,
  { run, commit }: Mark,
  { repository, branch: wanted }: CloseRequestsInput,
  each: EachRequest,
): MarkedComment | null {
  if (!isOfDay(branch ?? '', wanted) || !mayBeRunOfInstance(each.instance, repository, run)) return null;
  const fate = fateOfWhole(each);
  if (fate === 'stays') return null;
  return fate === 'done' ? closingComment(repository.mainBranch, commit) : elsewhereComment(commit, null);
}
