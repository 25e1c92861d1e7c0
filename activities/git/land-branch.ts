import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '@temporalio/activity';
import type { ApplicationFailure } from '@temporalio/common';
import type { LandInput, LandResult } from '../../model/contract/landing.js';
import type { SeenRequest } from '../../model/contract/requests.js';
import { finalFailure, passingFailure } from '../../model/run/failures.js';
import { timeInName } from '../../model/run/ids.js';
import { branchesToTry, isOfDay, obstacleOf } from '../../model/landing/branches.js';
import { oneLine } from '../../model/text/one-line.js';
import { runTrailer } from '../../model/report/commit-message.js';
import type { InsteadOf } from '../../model/report/data.js';
import type { Git } from './git.js';
import { isAncestor } from './branch-owner.js';
import type { PushResult, Refusal } from './push.js';
import { commitParts } from './seal.js';
import { olderBranches } from './old-branches.js';
import { standingOf } from './standing.js';

/** Looks again after a race; past it, Temporal's retry does. */
const TRIES = 3;
/** Pause before a branch is looked at again that somebody else is writing. */
const PAUSE_MS = 200;

/** Where an update branch goes: a remote, or the owner's own repository. */
export interface Destination {
  /** A repository that has the commits of all branches that `branches` gave. */
  readonly git: Git;
  /** Main, the branches of the update's day, and those that could be in their way, as they are now. */
  branches(): Promise<ReadonlyMap<string, string>>;
  noMain(): Promise<Error>;
  /** Why a branch is not to be moved although its commits allow it, as a clause; `null` when it may be. */
  inUse(branch: string): Promise<string | null>;
  /** Moves a branch from exactly where it was seen; `null`: it was not there. */
  move(branch: string, from: string | null): Promise<PushResult>;
}

interface Chosen {
  readonly branch: string;
  readonly insteadOf: InsteadOf | null;
  /** Branches of open pull requests that stay as they are. */
  readonly leftAlone: readonly InsteadOf[];
}

type Choice =
  | (Chosen & { readonly kind: 'has-it'; readonly commit: string })
  | (Chosen & { readonly kind: 'goes-to'; readonly tip: string | null })
  | { readonly kind: 'nowhere'; readonly passed: readonly InsteadOf[] };

/**
 * Lands an update as a branch: the wanted one, or another one beside it when that is not to be replaced. A candidate whose
 * base was taken back from main lands nowhere: the branch would carry what was taken back.
 * @throws `PushRejected` when no branch can be had, and what the destination throws
 */
export async function landOnBranch(to: Destination, input: LandInput): Promise<LandResult> {
  const { candidate, repository } = input;
  /** The words of a remote that lets no branch be replaced. */
  let denied: string | null = null;
  let refused: Refusal | null = null;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const branches = await to.branches();
    const main = branches.get(repository.mainBranch);
    if (main === undefined) throw await to.noMain();
    if (!(await isAncestor(to.git, candidate.base, main))) return { kind: 'main-moved', main, rewound: true };
    const choice = await choose(to, branches, main, input, denied);
    if (choice.kind === 'nowhere') throw nowhere(input, choice.passed);
    const { branch, insteadOf, leftAlone } = choice;
    const beside = {
      ...(insteadOf === null ? {} : { insteadOf }),
      ...(leftAlone.length === 0 ? {} : { leftAlone }),
    };
    const landed = async (commit: string, already: boolean): Promise<LandResult> => {
      const older = await needlessBranches(to.git, branches, main, input, branch);
      const more = { ...(already ? { already } : {}), ...beside, ...(older.length === 0 ? {} : { older }) };
      return { kind: 'landed', ref: branch, commit, ...more };
    };
    if (choice.kind === 'has-it') {
      const { commit } = choice;
      return await landed(commit, commit !== candidate.head || (await isOfEarlierRun(to.git, input)));
    }
    const { tip } = choice;
    const result = await to.move(branch, tip);
    if (result === 'pushed') return await landed(candidate.head, false);
    refused = result;
    if (result.busy) await sleep(PAUSE_MS);
    else if (((await to.branches()).get(branch) ?? null) === tip) {
      // Nobody was faster, so the refusal lasts.
      if (tip === null) throw result.failure;
      denied = result.said;
    }
  }
  throw keepsMoving(input, input.branch, refused);
}

/** The failure for a branch that others write each time that it is looked at. */
export function keepsMoving({ repository }: LandInput, branch: string, refused: Refusal | null): ApplicationFailure {
  const what =
    refused?.busy === true ? `is being written by others:\n${refused.said}` : 'was moved by others each time.';
  return passingFailure(
    'PushRejected',
    `Branch ${branch} of ${repository.displayUrl} could not be pushed, because it ${what}`,
  );
}

const NOT_THEN = 'was not replaced when the update was pushed';

/** The first branch that the update is on, or can go to. */
async function choose(
  to: Destination,
  branches: ReadonlyMap<string, string>,
  main: string,
  input: LandInput,
  denied: string | null,
): Promise<Choice> {
  const { requests = [], perRun = false } = input;
  const taken = [...branches.keys()];
  const passed: InsteadOf[] = [];
  const leftAlone = () => passed.filter(({ branch }) => open.includes(branch));
  let free: { readonly branch: string; readonly tip: string | null } | null = null;
  const of = (...states: readonly SeenRequest['state'][]) => requests.filter(({ state }) => states.includes(state));
  const open = of('open', 'theirs').map((request) => request.branch);
  const first = of('open').map((request) => request.branch);
  const fallbackBranch =
    perRun || input.requests === undefined ? input.fallbackBranch : await commonFallback(to.git, branches, input);
  for (const branch of branchesToTry({ branch: input.branch, fallbackBranch }, taken, first)) {
    const tip = branches.get(branch);
    if (perRun && branch === input.branch) continue;
    const pass = (reason: string): unknown => passed.push({ branch, reason });
    const obstacle = obstacleOf(branch, taken);
    if (tip === undefined && obstacle !== null) {
      pass(`cannot be made while there is a branch ${oneLine(obstacle, 200)}`);
      continue;
    }
    if (tip === undefined) {
      free ??= { branch, tip: null };
      continue;
    }
    const passedBy = of('declined', 'theirs').find((request) => request.branch === branch);
    if (passedBy !== undefined) {
      pass(
        passedBy.state === 'declined'
          ? `is of pull request #${passedBy.number}, which was closed`
          : 'is of a pull request that Lockkeeper did not open',
      );
      continue;
    }
    const standing = await standingOf(to.git, tip, main, input);
    const insteadOf = passed.find((other) => other.branch === input.branch) ?? null;
    if (standing.kind === 'has-it') {
      // Why is lost with the worker that was refused.
      const before =
        free?.branch === input.branch && free.tip !== null ? { branch: free.branch, reason: NOT_THEN } : null;
      return { ...standing, branch, insteadOf: insteadOf ?? before, leftAlone: leftAlone() };
    }
    const reason =
      standing.kind === 'stays'
        ? standing.reason
        : perRun && branch !== input.fallbackBranch
          ? 'has another update'
          : ((await to.inUse(branch)) ?? (denied === null ? null : `cannot be replaced: ${oneLine(denied)}`));
    if (reason === null) free ??= { branch, tip };
    else pass(reason);
  }
  if (free === null) return { kind: 'nowhere', passed };
  const instead = free.branch === input.branch ? undefined : passed.find((each) => each.branch === input.branch);
  return { kind: 'goes-to', ...free, insteadOf: instead ?? null, leftAlone: leftAlone() };
}

/** Leaves room below the last second that has a year of four digits. */
const LAST_SECOND = 253_402_300_000;

/**
 * The new branch of a pull request, named after the newest commit in its way: all installations that see the same want the same one, and
 * of two that push at the same moment one is refused and looks again.
 */
async function commonFallback(
  git: Git,
  branches: ReadonlyMap<string, string>,
  { branch, fallbackBranch }: LandInput,
): Promise<string> {
  const tips = [...branches].filter(([name]) => isOfDay(name, branch)).map(([, tip]) => tip);
  if (tips.length === 0) return fallbackBranch;
  const dates = (await git.run(['show', '--no-patch', '--format=%ct', ...tips])).trim().split('\n').map(Number);
  for (let second = Math.min(Math.max(...dates), LAST_SECOND); ; second += 1) {
    const name = `${branch}-${timeInName(new Date(second * 1000))}`;
    if (!branches.has(name)) return name;
  }
}

/** The update is on its branch, whatever keeps older ones from being looked at. */
const needlessBranches: typeof olderBranches = (...about) =>
  olderBranches(...about).catch((error: unknown) => {
    log.warn('old branches to remove are not known', { error: String(error) });
    return [];
  });

/** Whether the candidate is the commit that an earlier run made. */
async function isOfEarlierRun(git: Git, { candidate, run }: LandInput): Promise<boolean> {
  if (run === undefined) return false;
  const { message } = commitParts(await git.run(['cat-file', 'commit', candidate.head]));
  return runTrailer(message) !== run;
}

function nowhere({ repository }: LandInput, passed: readonly InsteadOf[]): ApplicationFailure {
  const [first, ...others] = passed.map(({ branch, reason }) => `${branch} ${reason}`);
  return finalFailure(
    'PushRejected',
    `No branch of ${repository.displayUrl} can take the update: ${first ?? ''}. Nor can the ${others.length} other names that ` +
      'were tried. Nothing was pushed. Delete or rename the branches in the way, or choose another --branch-prefix (for pull requests: --branch).',
  );
}
