import type { CoordinatorActivities } from '../../model/contract/activities.js';
import type { CloseRequestsInput } from '../../model/contract/requests.js';
import { forges } from '../../model/forge/index.js';
import { isOfDay } from '../../model/landing/branches.js';
import { fateOf } from '../../model/landing/parts.js';
import {
  closingComment,
  doneComment,
  elsewhereComment,
  readMark,
  withClosedMark,
  type Mark,
  type MarkedComment,
} from '../../model/report/forge/request.js';
import type { ReportedRequest } from '../../model/report/data.js';
import { mayBeRunOfInstance } from '../../model/run/ids.js';
import { openForge } from './index.js';
import { ours, say, shown } from './talk.js';
import type { ForgeRequest } from './types.js';

/** Only those are closed whose branch is as Lockkeeper pushed it last. What an earlier try of the run closed counts as closed. */
export const createCloseRequests = (): CoordinatorActivities['closeRequests'] => async (input) => {
  const client = openForge(input.forge);
  const before = inQuestion(await client.requests('closed'), input);
  const mine = before.filter(({ body }) => readMark(body)?.closedBy === input.run);
  const closed: ReportedRequest[] = await Promise.all(mine.map((each) => shown(client, each)));
  for (const request of inQuestion(await client.requests('open'), input)) {
    const mark = readMark(request.body);
    if (mark?.commit !== request.head) continue;
    const comment = lastWords(request, mark, input);
    if (comment === null) continue;
    await say(client, request.number, comment);
    await client.change(request.number, { body: withClosedMark(request.body, input.run), close: true });
    closed.push(await shown(client, request));
  }
  return closed;
};

/** Requests on the branch of the instance, or on any that begins with it where each input has its own. */
const inQuestion = (
  all: readonly ForgeRequest[],
  { repository, branch, each }: CloseRequestsInput,
): readonly ForgeRequest[] =>
  each === undefined
    ? ours(all, repository, branch)
    : all.filter(
        (request) =>
          request.into === repository.mainBranch &&
          (request.branch === branch || request.branch?.startsWith(`${branch}-`) === true),
      );

/** Why a request is closed, as its last comment; `null` when it stays. */
function lastWords(
  { number, branch }: ForgeRequest,
  { run, commit, part }: Mark,
  { repository, forge, branch: wanted, each }: CloseRequestsInput,
): MarkedComment | null {
  const { mainBranch } = repository;
  if (each === undefined) return closingComment(mainBranch, commit);
  if (part === undefined) {
    // Of runs that proposed all inputs together.
    const isOwn = isOfDay(branch ?? '', wanted) && mayBeRunOfInstance(each.instance, repository, run);
    return isOwn && each.parts.every(({ request }) => request !== null) ? elsewhereComment(commit, null) : null;
  }
  if (part.instance !== each.instance) return null;
  const fate = fateOf({ number, inputs: part.inputs }, each);
  switch (fate.kind) {
    case 'stays':
      return null;
    case 'done':
      return doneComment(mainBranch, commit, part.inputs);
    case 'elsewhere':
      return elsewhereComment(commit, forges[forge.kind].reference(fate.request));
  }
}
