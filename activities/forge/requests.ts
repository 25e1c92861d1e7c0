import type { CoordinatorActivities } from '../../model/contract/activities.js';
import type { NewestWords, SeenRequest } from '../../model/contract/requests.js';
import type { RequestPart } from '../../model/landing/parts.js';
import { forges } from '../../model/forge/index.js';
import {
  leftAloneComment,
  newerComment,
  readMark,
  replacedComment,
  requestBody,
  requestTitle,
  twinComment,
  verifiedAgainComment,
} from '../../model/report/forge/request.js';
import { statusesOf } from '../../model/report/forge/statuses.js';
import { serialiseLock } from '../../model/flake-lock/serialise.js';
import { mayBeRunOfInstance } from '../../model/run/ids.js';
import { runPage } from '../../model/report/page.js';
import { passingFailure } from '../../model/run/failures.js';
import type { Repository } from '../../model/run/options.js';
import type { Candidate } from '../../model/verify/candidate.js';
import type { ActivityEnvironment } from '../environment.js';
import { flakeFile, lockAt } from '../git/flake-files.js';
import { openGit } from '../git/git.js';
import { installBundle } from '../git/install-commit.js';
import { createCloseRequests } from './close-requests.js';
import { checkMerging, createFollowRequest } from './follow-request.js';
import { openForge } from './index.js';
import { takeEarlierBack } from './take-back.js';
import { close, ours, say, shown, takeOwnBack } from './talk.js';
import type { ForgeClient, ForgeRequest } from './types.js';

/** The activities that ask a forge. Each looks first what is there, so that a repeat opens, says and sets nothing twice. */
export const createForgeActivities = (env: ActivityEnvironment) =>
  ({
    findRequests: createFindRequests(env),
    propose: createPropose(),
    followRequest: createFollowRequest(env),
    setStatuses: createSetStatuses(),
    closeRequests: createCloseRequests(env),
  }) satisfies Partial<CoordinatorActivities>;

/**
 * Without a candidate it also finds out whether the token may open requests, and whether they can be merged as asked, and takes back
 * what earlier runs have left to the forge and this one does not want. Else it changes nothing.
 */
const createFindRequests =
  (env: ActivityEnvironment): CoordinatorActivities['findRequests'] =>
  async (input) => {
    const { repository, forge, branch, candidate, part, asks } = input;
    const client = openForge(forge);
    if (candidate === undefined) {
      await client.tryRights();
      await checkMerging(client, input);
    }
    const lock = candidate === undefined ? null : await lockHash(env, repository, candidate, part);
    const seen = await client.requests('open');
    const ofInputs = await takeEarlierBack(client, seen, input);
    const open = ours(seen, repository, branch);
    const closed = ours(await client.requests('closed'), repository, branch);
    const holds = ({ body }: ForgeRequest): boolean => lock !== null && readMark(body)?.lock === lock;
    // One that was opened again is no longer declined.
    const declined = open.some(holds) ? undefined : closed.find((each) => isDeclined(each) && holds(each));
    return {
      requests: newestOf([...open, ...closed]),
      lock,
      declined: declined ? await shown(client, declined) : null,
      ...(asks === true ? { said: await newestWords(client, open) } : {}),
      ...(ofInputs && { ofInputs }),
    };
  };

/** Of all requests at once: ids are not of one request alone. */
async function newestWords(client: ForgeClient, requests: readonly ForgeRequest[]): Promise<NewestWords> {
  const approvals: number[] = [];
  const comments: number[] = [];
  for (const { number } of requests) {
    approvals.push(...(await client.merging.approvals(number)).map(({ id }) => id));
    comments.push(...(await client.comments(number)).map(({ id }) => id));
  }
  const newest = (ids: readonly number[]): number | null => (ids.length === 0 ? null : Math.max(...ids));
  return { approval: newest(approvals), comment: newest(comments) };
}

/**
 * Hash of the flake's lock in a candidate, or of what it has of some inputs: the same lock has the same, and the same revisions of these
 * have, whatever main has of others meanwhile.
 */
async function lockHash(
  env: ActivityEnvironment,
  repository: Repository,
  candidate: Candidate,
  part: RequestPart | undefined,
): Promise<string> {
  const git = openGit(await installBundle(env, { repository, candidate }));
  if (part === undefined)
    return (await git.run(['rev-parse', `${candidate.head}:${flakeFile(repository, 'flake.lock')}`])).trim();
  const { root } = await lockAt(git, repository, candidate.head);
  const inputs = new Map([...root.inputs].filter(([name]) => part.inputs.includes(name)));
  const input = serialiseLock({ version: 7, root: { ...root, inputs } });
  return (await git.run(['hash-object', '--stdin'], { input })).trim();
}

const isDeclined = ({ isOpen, isMerged, body }: ForgeRequest): boolean =>
  !isOpen && !isMerged && readMark(body)?.closedBy == null;

/** What is known of each branch: an open request, else the newest one. */
function newestOf(requests: readonly ForgeRequest[]): readonly SeenRequest[] {
  const newest = new Map<string, ForgeRequest>();
  for (const each of requests) {
    const known = newest.get(each.branch ?? '');
    if (known === undefined || (!known.isOpen && each.number > known.number)) newest.set(each.branch ?? '', each);
  }
  return [...newest].map(([branch, request]) => ({
    branch,
    number: request.number,
    state: stateOf(request),
  }));
}

const stateOf = (request: ForgeRequest): SeenRequest['state'] =>
  request.isOpen ? (readMark(request.body) === null ? 'theirs' : 'open') : isDeclined(request) ? 'declined' : 'done';

const createPropose = (): CoordinatorActivities['propose'] => async (input) => {
  const {
    forge,
    repository,
    branch,
    commit,
    lock,
    part,
    leftAlone,
    perRun = false,
    replaces,
    report,
    siteUrl,
    merge = 'never',
    asks,
    asksAgain,
  } = input;
  const client = openForge(forge);
  const into = repository.mainBranch;
  const open = (await client.requests('open')).filter((each) => each.into === into);
  const beside = leftAlone.flatMap(({ branch: other, reason }) =>
    open.filter((each) => each.branch === other).map((request) => ({ branch: other, reason, request })),
  );
  const older = beside
    .map(({ request }) => request)
    .filter((each) => perRun && isOnlyOf(each, report.instance, repository));
  const others = beside
    .filter(({ request }) => !older.includes(request))
    .map(({ request: { number }, ...other }) => ({ ...other, number }));
  const title = requestTitle(report);
  const kind = forges[forge.kind];
  const reference = (number: number): string => kind.reference(number);
  const asked = { merge, asks: asks === true, again: asksAgain === true };
  const text = {
    report,
    repository,
    branch,
    commit,
    lock,
    ...(part && { part }),
    ...asked,
    leftAlone: others,
    replaces: replaces ?? null,
    page: siteUrl === undefined ? null : `${siteUrl}/${runPage(report.run)}`,
    limit: kind.bodyBytes,
    reference,
  };
  const body = kind.harmless(requestBody(text));
  const ofBranch = (all: readonly ForgeRequest[]): ForgeRequest | undefined => ofSameBranch(all, branch, into)[0];
  const { labels, assignees = [], reviewers = [], milestone = null, asDraft: draft = false } = input;
  const given = { labels, assignees, reviewers, milestone, draft };
  const wanted = { ...given, title: `${draft ? (kind.drafts?.prefix ?? '') : ''}${title}`, body, branch, into };
  // What the forge was to merge later, for an earlier run, was another commit: nobody has approved this one, or another one is to merge it.
  const existing = ofBranch(open);
  const isOther = existing !== undefined && readMark(existing.body)?.commit !== commit;
  if (existing !== undefined && (asks === true || merge === 'self' || (merge === 'forge' && isOther)))
    await client.merging.takeBack(existing.number);
  else if (existing !== undefined && merge === 'never') await takeOwnBack(client, existing);
  // Where somebody was faster, that is the one; not all forges see that while they open another.
  const opened = existing ?? (await client.open(wanted));
  const seen = existing === undefined ? await client.requests('open') : open;
  const request = ofBranch(seen) ?? opened ?? undefined;
  if (request === undefined) {
    const what = `says that branch ${branch} has an open pull request, and shows none`;
    throw passingFailure('ForgeUnreachable', `${forge.url} ${what}.`);
  }
  for (const each of ofSameBranch(seen, branch, into).slice(1)) await closeTwin(client, each, request, reference);
  // Also after a try of this run that came no further.
  const mark = readMark(request.body);
  const isNew = mark?.run === report.run && mark.commit === commit;
  const without = isNew ? await client.complete(request.number, wanted) : [];
  // A person may have marked it as ready, or as a draft again.
  const now = `${kind.drafts?.seen.exec(request.title)?.[0] ?? ''}${title}`;
  // Before the mark is another one: a repeat would take that for its own.
  if (existing !== undefined && lock !== null && mark?.lock === lock && mark.commit !== commit)
    await say(client, request.number, verifiedAgainComment(report, repository.mainBranch, commit, part));
  if (isNew && replaces !== undefined) await say(client, replaces, replacedComment(reference(request.number), part));
  const change =
    mark !== null && (await isOvertaken(client, request, mark.commit, commit))
      ? {}
      : {
          ...(request.title === now ? {} : { title: now }),
          ...(sameText(request.body, body) ? {} : { body }),
        };
  if (Object.keys(change).length > 0) await client.change(request.number, change);
  for (const { number, reason } of others) {
    // It was to be merged when it held what was verified, and nothing else.
    if (merge === 'forge') await client.merging.takeBack(number);
    else
      await takeOwnBack(
        client,
        open.find((each) => each.number === number),
      );
    await say(client, number, leftAloneComment(reason, reference(request.number)));
  }
  for (const each of older) {
    await takeOwnBack(client, each);
    await close(client, each, newerComment(reference(request.number)), report.run);
  }
  return { ...(await shown(client, request)), ...(without.length === 0 ? {} : { without }) };
};

/**
 * Whether another run, of another server, has put its update in the place of ours, and said so in the request: then that says what
 * the branch holds.
 * @param told commit that the request's text is about
 */
async function isOvertaken(
  { merging }: ForgeClient,
  { head, branch }: ForgeRequest,
  told: string,
  commit: string,
): Promise<boolean> {
  // A list may be older than the branch.
  return told !== commit && told === head && branch !== null && (await merging.branch(branch))?.tip === told;
}

/** Whether a request is the instance's, and its branch as Lockkeeper pushed it last. */
function isOnlyOf({ body, head }: ForgeRequest, instance: string, repository: Repository): boolean {
  const mark = readMark(body);
  return mark !== null && mark.commit === head && mayBeRunOfInstance(instance, repository, mark.run);
}

/** Open requests of a branch, the oldest first. There is one, unless two runs have opened one at the same moment. */
const ofSameBranch = (all: readonly ForgeRequest[], branch: string, into: string): readonly ForgeRequest[] =>
  all
    .filter((each) => each.branch === branch && each.into === into)
    .toSorted((one, other) => one.number - other.number);

/** Closes a younger one of two requests that hold the same, in the same way whichever run sees it; nobody has declined it. */
async function closeTwin(
  client: ForgeClient,
  twin: ForgeRequest,
  first: ForgeRequest,
  reference: (number: number) => string,
): Promise<void> {
  const mark = readMark(twin.body);
  if (mark !== null) await close(client, twin, twinComment(reference(first.number)), mark.run);
}

/** Forges write line ends in their own way. */
const sameText = (one: string, other: string): boolean => plain(one) === plain(other);
const plain = (text: string): string => text.replaceAll('\r\n', '\n').trim();

const createSetStatuses =
  (): CoordinatorActivities['setStatuses'] =>
  async ({ forge, commit, report, pending, siteUrl }) => {
    const client = openForge(forge);
    const wanted = statusesOf(report, pending, siteUrl);
    const there = new Map((await client.statuses(commit)).map((each) => [each.context, each]));
    for (const status of wanted) {
      const known = there.get(status.context);
      if (known?.state !== status.state || known.description !== status.description)
        await client.setStatus(commit, status);
    }
    return wanted.length;
  };
