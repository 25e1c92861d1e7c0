import { isCancellation, log } from '@temporalio/workflow';
import type {
  CloseRequestsInput,
  FindRequestsInput,
  FoundRequests,
  SeenRequest,
} from '../../model/contract/requests.js';
import type { EachRequest } from '../../model/landing/parts.js';
import type { InsteadOf, Landed, ReportedRequest } from '../../model/report/data.js';
import type { WholeOptions } from '../../model/run/earlier.js';
import type { ForgeOptions } from '../../model/run/options.js';
import { proposalOf } from './proposal.js';
import type { Candidate } from '../../model/verify/candidate.js';
import { forgeCall, coordinator } from '../calls/coordinator.js';
import { isForGood, rootCause } from '../calls/failures.js';
import { UNNEEDED_TRIES } from '../calls/unneeded.js';
import type { Update } from './commit-update.js';
import type { Facts, Found } from './facts.js';
import type { Run } from './run.js';

const lookedFor = ({ repository, landing: { branch = '' } }: WholeOptions, forge: ForgeOptions) => ({
  repository,
  forge,
  branch,
});

/** Looks before the work whether the forge lets a request be opened. One that does not answer now is asked again when it is needed. */
export async function tryForge({ options, state }: Run, forge: ForgeOptions): Promise<void> {
  const { instance, landing } = options;
  const { merge, mergeMethod, perInput = false } = landing;
  try {
    const { ofInputs = false } = await coordinator('check access to the forge', UNNEEDED_TRIES).findRequests({
      ...lookedFor(options, forge),
      ...(merge && { merge, earlier: { instance, perInput } }),
      ...(mergeMethod && { mergeMethod }),
    });
    state.learn({ requestsOfInputs: ofInputs });
  } catch (error) {
    if (isCancellation(error) || isForGood(error)) throw error;
    log.warn('the forge did not answer', { error: String(error) });
  }
}

/** What a request is about that is not of the whole lock. */
const partOf = ({ part, options: { instance } }: Run): Pick<FindRequestsInput, 'part'> =>
  part === null ? {} : { part: { instance, inputs: part.move } };

/** What the forge says of update branches, and whether a person declined this update. */
export const findRequests = (run: Run, forge: ForgeOptions, candidate: Candidate): Promise<FoundRequests> => {
  const { options } = run;
  return forgeCall('find pull requests').findRequests({
    ...{ ...lookedFor(options, forge), candidate, ...partOf(run) },
    ...(forge.follows === true && options.approval !== null && hasAnswers(options) ? { asks: true } : {}),
  });
};

/** Whether reviews and comments answer the run's question: only then does it merge what they approve. */
export const hasAnswers = ({ landing: { merge } }: WholeOptions): boolean => merge === 'self' || merge === 'forge';

interface Pushed {
  readonly landed: Landed;
  readonly leftAlone: readonly InsteadOf[];
  readonly lock: string | null;
  readonly requests: readonly SeenRequest[];
  readonly update: Update;
}

/** Opens or refreshes the pull request of a branch that was pushed, and says in it what became of each target. */
export async function propose(
  run: Run,
  forge: ForgeOptions,
  { landed, requests, update, ...pushed }: Pushed,
): Promise<Landed> {
  const { repository, landing, siteUrl } = run.options;
  const replaces = replacedBy(requests);
  const request = await forgeCall('open or refresh the pull request').propose({
    ...{ repository, forge, ...pushed, branch: landed.ref, commit: landed.commit },
    ...{ ...givenTo(landing), ...partOf(run), ...(landing.perRun && { perRun: landing.perRun }) },
    ...(siteUrl !== undefined && { siteUrl }),
    ...(replaces !== null && { replaces }),
    ...proposedTo(run, update),
    report: { ...run.state.report(), outcome: 'landed', landed },
  });
  return await setStatuses(run, forge, { ...landed, request });
}

/** What a new request gets beside its text. */
const givenTo = ({ labels = [], assignees, reviewers, milestone, draft }: WholeOptions['landing']) => ({
  labels,
  ...(assignees && { assignees }),
  ...(reviewers && { reviewers }),
  ...(milestone !== undefined && { milestone }),
  ...(draft && { asDraft: true as const }),
});

/** What the text of a request says of who merges it, and of the question that follows; nothing in runs of earlier versions. */
function proposedTo({ options, state }: Run, update: Update) {
  const { landing, forge, approval } = options;
  const { merge } = landing;
  if (forge?.follows !== true || merge === undefined) return {};
  const facts = state.facts();
  const asks = approval !== null && facts.approvedProposal !== proposalOf(update.lock, update.fixes);
  return {
    merge,
    ...(asks && { asks: true as const }),
    // What main or a held-back input has made of it since is another update.
    ...(asks && facts.approval !== null && { asksAgain: true as const }),
  };
}

/** The request that was closed last, unless one was merged, or closed by Lockkeeper, since. */
function replacedBy(requests: readonly SeenRequest[]): number | null {
  const ended = requests.filter(({ state }) => state === 'declined' || state === 'done');
  const [last] = ended.toSorted((one, other) => other.number - one.number);
  return last?.state === 'declined' ? last.number : null;
}

/** Says on the forge of each target what became of it. The request is there without it as well. */
async function setStatuses({ state, options: { siteUrl } }: Run, forge: ForgeOptions, landed: Landed): Promise<Landed> {
  try {
    await forgeCall('set commit statuses').setStatuses({
      // The run has not ended, and its report would say that it failed.
      ...{ forge, commit: landed.commit, report: { ...state.report(), outcome: 'landed' as const } },
      ...(siteUrl !== undefined && { siteUrl }),
    });
    return landed;
  } catch (error) {
    return { ...landed, statusesMissing: isCancellation(error) ? CANCELLED : rootCause(error).message };
  }
}

const CANCELLED = 'the run was cancelled';

/** Closes requests of earlier runs that nobody needs any more. The run that this one is a part of does it for all of its parts. */
export async function closeRequests({ options, state, id, part }: Run): Promise<Found> {
  const { forge } = options;
  const needless = forge === undefined || part !== null ? [] : needlessOnes(options, state.facts());
  if (forge === undefined || needless.length === 0) return {};
  const closedRequests: ReportedRequest[] = [];
  try {
    for (const which of needless) {
      const close = coordinator('close pull requests', UNNEEDED_TRIES);
      closedRequests.push(...(await close.closeRequests({ ...lookedFor(options, forge), ...which, run: id })));
    }
  } catch (error) {
    log.warn('pull requests that are not needed any more were not closed', { error: String(error) });
  }
  return { closedRequests };
}

/** Which requests are looked at: those of all inputs, of single ones, or both. */
function needlessOnes(options: WholeOptions, facts: Facts): readonly Pick<CloseRequestsInput, 'each' | 'base'>[] {
  const { outcome, requestsOfInputs, base } = facts;
  const at = base === null ? {} : { base };
  if (options.landing.perInput === true) return [{ each: eachOf(options, facts), ...at }];
  const isKnown = outcome === 'landed' || outcome === 'unchanged';
  return [
    ...(isUpToDate(options, facts) ? [{}] : []),
    ...(requestsOfInputs && isKnown ? [{ each: togetherOf(options, facts), ...at }] : []),
  ];
}

/** What tells which requests of single inputs are needed no more. Main has already what a part did not have to move. */
const eachOf = (options: WholeOptions, facts: Facts): EachRequest => ({
  ...{ instance: options.instance, asked: options.inputs, unknown: unknownTo(options, facts) },
  parts: (facts.parts ?? [])
    .filter(({ outcome }) => outcome !== 'unchanged')
    .map(({ inputs, landed }) => ({ inputs, request: landed?.request?.number ?? null })),
});

/** The same in a run that proposes all in one request, where earlier ones did not. */
function togetherOf(options: WholeOptions, facts: Facts): EachRequest {
  const { instance, inputs, inputGroups } = options;
  const { moved, landed, inputGroup } = facts;
  const all = { inputs: moved.map(({ name }) => name), request: landed?.request?.number ?? null };
  return {
    ...{ instance, together: true, parts: moved.length === 0 ? [] : [all], unknown: unknownTo(options, facts) },
    asked: inputGroups.length === 0 ? inputs : (inputGroup ?? inputGroups.flat()),
  };
}

/** Inputs that may have something to move although the run does not move them. */
const unknownTo = ({ excludeInputs }: WholeOptions, { fetchFailures, waiting, heldBack }: Facts): readonly string[] => [
  ...excludeInputs,
  ...[...fetchFailures, ...waiting].map(({ name }) => name),
  ...heldBack.map(({ input }) => input),
];

/** Whether every input was asked for, and main has the newest revision of each. */
const isUpToDate = (
  { inputs, excludeInputs, inputGroups }: WholeOptions,
  { outcome, fetchFailures, waiting, heldBack }: Facts,
): boolean =>
  outcome === 'unchanged' &&
  inputs === 'all' &&
  [...excludeInputs, ...inputGroups, ...fetchFailures, ...waiting, ...heldBack].length === 0;
