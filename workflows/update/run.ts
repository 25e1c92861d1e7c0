import { workflowInfo } from '@temporalio/workflow';
import { waysOfLanding, landingIntent } from '../../model/landing/index.js';
import { secretFilesOfCache } from '../../model/caches/secret-files.js';
import type { AgentRights } from '../../model/sandbox/sandbox.js';
import { secretFilesOf } from '../../model/notify/index.js';
import { wholeOptions, type WholeOptions } from '../../model/run/earlier.js';
import { checkKnown } from '../../model/run/known-options.js';
import { finalFailure } from '../../model/run/failures.js';
import type { PartOfRun } from '../../model/verify/part.js';
import type { RunOptions } from '../../model/run/options.js';
import { ended } from '../../model/progress/progress.js';
import type { VerifySetting } from '../../model/verify/verification.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { coordinator } from '../calls/coordinator.js';
import { rootCause } from '../calls/failures.js';
import { UNNEEDED_TRIES, goOnWithout } from '../calls/unneeded.js';
import { verifyInChildren, type Verification } from '../children/in-children.js';
import { openApproval, type Approval } from './approval.js';
import { openHoldBackRequests, type HoldBackRequests } from './hold-back-requests.js';
import { openNudge, type Nudge } from './nudge.js';
import { openRepositoryLock, type RepositoryLock } from './repository-lock.js';
import { trackRun, type RunState } from './run-state.js';

/** What the steps of one run share. */
export interface Run {
  readonly options: WholeOptions;
  readonly state: RunState;
  readonly approval: Approval;
  readonly holdBackRequests: HoldBackRequests;
  readonly lock: RepositoryLock;
  readonly nudge: Nudge;
  /** What it is to do of another run's update; `null`: it is a whole run. */
  readonly part: PartOfRun | null;
  /** Workflow id. */
  readonly id: string;
  readonly startTime: Date;
}

export function beginRun(asked: RunOptions, part: PartOfRun | null = null): Run {
  const { workflowId: id, startTime } = workflowInfo();
  const { options, state } = trackOptions(asked, startTime, part);
  const approval = openApproval(id, options, state);
  const holdBackRequests = openHoldBackRequests(id, state, approval.refuseAnswers);
  const lock = openRepositoryLock(options, state);
  return { options, state, approval, holdBackRequests, lock, nudge: openNudge(), part, id, startTime };
}

/**
 * Options that cannot even be shown, or that only a newer version knows, end the run before it does anything: an error of any
 * other type would only be tried for ever.
 */
function trackOptions(asked: RunOptions, startTime: Date, part: PartOfRun | null): Pick<Run, 'options' | 'state'> {
  checkParent(part);
  try {
    checkKnown(asked);
    const options = wholeOptions(asked);
    return { options, state: trackRun(options, landingIntent(options, startTime), part?.run) };
  } catch (error) {
    throw finalFailure('BadOptions', `the run's options cannot be used: ${rootCause(error).message}`);
  }
}

/** Somebody else cannot start one anew with what they read in its history: it would propose an old update. */
function checkParent(part: PartOfRun | null): void {
  const { parent } = workflowInfo();
  if (part !== null && part.run !== parent?.workflowId)
    throw finalFailure('RunRefused', 'A part of a run is started by its run alone.');
}

/** Sets those search attributes that the namespace has; lists of runs say less without. */
export async function lookUpSearchAttributes({ state }: Run): Promise<void> {
  try {
    const { knownSearchAttributes } = coordinator('look up search attributes', UNNEEDED_TRIES);
    state.knowAttributes(await knownSearchAttributes());
  } catch (caught) {
    goOnWithout('the search attributes of the server', caught);
  }
}

/** Who signs a run's commits, and when: the same for each repetition, so that a repeated commit has the same hash. */
export const commitSignature = ({ options, id, startTime }: Run) => ({
  run: id,
  author: options.author,
  committer: options.committer,
  date: Math.floor(startTime.getTime() / 1000),
});

/** The same for the commits that land, which are signed where the run is asked to. */
export const landingSignature = (run: Run) => ({ ...commitSignature(run), ...signingKey(run) });

export const signingKey = ({ options: { signing } }: Run): Pick<RunOptions, 'signing'> =>
  signing === undefined ? {} : { signing };

export const verifySetting = ({ id, options }: Run): VerifySetting => {
  const { repository, nix, takeoverSeconds, builderWaitSeconds, keepClosures } = options;
  const { buildBase, namedPackages, advisories } = options;
  const rights = agentRights(options);
  return {
    ...{ run: id, repository, nix, takeoverSeconds, builderWaitSeconds, keepClosures },
    ...(options.compares !== undefined && { comparison: true }),
    ...(buildBase === true && { buildBase }),
    ...(namedPackages === undefined ? {} : { namedPackages }),
    ...(rights && { agentRights: rights }),
    ...(advisories !== undefined && { advisories }),
  };
};

function agentRights(options: WholeOptions): AgentRights | null {
  const agent = options.autofix;
  if (agent === null) return null;
  const files = [agent.envFile, ...secretFiles(options)].filter((file) => file !== null);
  const { network, nixDaemon, limits } = agent;
  return { network, nixDaemon, secretFiles: files, ...(limits === undefined ? {} : { limits }) };
}

export const secretFiles = ({ nix, notify, signing, forge, caches = [] }: RunOptions): readonly string[] => [
  ...(signing === undefined ? [] : [signing.keyFile]),
  ...(nix.accessTokensFile === undefined ? [] : [nix.accessTokensFile]),
  ...secretFilesOf(notify),
  ...(forge === undefined ? [] : [forge.tokenFile]),
  ...caches.flatMap(secretFilesOfCache),
];

/** Verifies targets of a candidate; who worked for it is known then. */
export async function verifyFor(run: Run, about: Verification): Promise<readonly Verdict[]> {
  const { verdicts, machines } = await verifyInChildren(verifySetting(run), about);
  run.state.learn({ machines });
  return verdicts;
}

/** Whether an agent has changed what a person is to look at before it is on main: no host is to find it in a cache, with a signature. */
const hasToBeReviewed = ({ state, options: { approval, landing } }: Run): boolean =>
  state.facts().fixes.length > 0 && (approval !== null || !waysOfLanding[landing.mode].movesMain);

/** The same, and the table of targets shows how far it is. */
export async function verifyShown(run: Run, about: Verification): Promise<readonly Verdict[]> {
  const { state } = run;
  state.phase('verifying');
  const { caches, uploads, uploadBroken } = run.options;
  const isUploaded = caches !== undefined && (about.approved === true || !hasToBeReviewed(run));
  const verdicts = await verifyFor(run, {
    ...about,
    ...(isUploaded && {
      uploading: { caches, ...(uploads !== undefined && { uploads }), ...(uploadBroken && { uploadBroken }) },
    }),
    started: (children) => {
      state.show({ children });
    },
    over: (own) => {
      state.changed(own.map(ended));
    },
  });
  state.show({ children: [] });
  return verdicts;
}
