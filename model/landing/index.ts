import { comparedWords } from '../run/comparison.js';
import type { MergeMethod, Merger } from '../forge/merging.js';
import type { FailureStep, LandingMode, RunOptions } from '../run/options.js';
import { branch } from './branch.js';
import { updateBranches } from './branches.js';
import { merge } from './merge.js';
import { none } from './none.js';
import { pullRequest } from './pull-request.js';
import type { WayOfLanding } from './types.js';
import { whereWords } from './where.js';

/** Every way of landing. What it does is in `activities/git/land.ts`. */
export const waysOfLanding = { none, branch, merge, 'pull-request': pullRequest } satisfies Record<
  LandingMode,
  WayOfLanding
>;

/** Whether a verified update is pushed in this way; otherwise it stays on the machine. */
export const isPushed = (mode: LandingMode): mode is PushingMode => waysOfLanding[mode].lands;
type PushingMode = Exclude<LandingMode, 'none'>;

/** Whether main may get the very commit that was verified before the run ends: only then can the run move channels. */
export const mayBringToMain = ({
  land,
  merge,
  mergeMethod,
}: {
  readonly land: LandingMode;
  readonly merge: Merger;
  readonly mergeMethod: MergeMethod | null;
}): boolean =>
  waysOfLanding[land].movesMain ||
  (waysOfLanding[land].asksForge && merge !== 'never' && (mergeMethod ?? 'fast-forward') === 'fast-forward');

/** By default an agent is asked if there is one, and inputs are held back where a person looks before main moves. */
export const usualFailureSteps = (mode: LandingMode, hasAgent: boolean): readonly FailureStep[] => [
  ...(hasAgent ? (['autofix'] as const) : []),
  ...(waysOfLanding[mode].holdsBack ? (['hold-back'] as const) : []),
  'report',
];

/** Most times that an update is carried over onto a main branch that moved while the run was building. */
export const CARRY_OVER_LIMIT = 5;

/** The update branch of a run that pushes one. */
export const branchToPush = (
  options: Pick<RunOptions, 'landing' | 'timeZone'>,
  date: Date,
): { readonly branch?: string } => {
  const { lands, makesBranches } = waysOfLanding[options.landing.mode];
  return lands && makesBranches ? { branch: updateBranches(options, date).branch } : {};
};

export function landingIntent(options: RunOptions, date: Date): string {
  const { repository, compares } = options;
  if (compares !== undefined) {
    const { revision, against } = comparedWords(compares, repository);
    return `will compare ${revision} with ${against} ${whereWords(repository)}: nothing will be pushed`;
  }
  if (options.verifies === true)
    return `will verify ${repository.mainBranch} ${whereWords(repository)}${options.channel === undefined ? '' : ', and move the channels of what is built'}`;
  const way: WayOfLanding = waysOfLanding[options.landing.mode];
  const asks = way.lands && options.approval !== null;
  const { merge = null } = options.landing;
  const merges = merge === 'self' ? ', and merge it' : merge === 'forge' ? ', and let the forge merge it' : '';
  const asked = asks
    ? merge === 'never' && options.forge?.follows === true
      ? ', and wait until somebody merges it'
      : ', once it is approved'
    : '';
  return `${way.intent(options, date)}${merges}${asked}`;
}
