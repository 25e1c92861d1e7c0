import {
  CancellationScope,
  allHandlersFinished,
  condition,
  isCancellation,
  patched,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { failureOfRun, finalFailure } from '../model/run/failures.js';
import type { LandResult, SeenBranch } from '../model/contract/activities.js';
import { commandsOf } from '../model/checks/asked-commands.js';
import type { Base, Candidate } from '../model/verify/candidate.js';
import type { Gate } from '../model/gates/gate.js';
import { updateBranches } from '../model/landing/branches.js';
import { branchToPush, CARRY_OVER_LIMIT, landingIntent, waysOfLanding } from '../model/landing/index.js';
import type { Outcome, RemovedBranches, Report } from '../model/report/data.js';
import type { EarlierHold } from '../model/hold-back/earlier.js';
import { pinnedInputs } from '../model/hold-back/pins.js';
import { heldForSources } from '../model/flake-lock/new-sources.js';
import { checkKnown } from '../model/run/known-options.js';
import { shownHold } from '../model/run/progress.js';
import { proposalOf } from '../model/run/proposal.js';
import type { ApprovalPolicy, RunOptions } from '../model/run/options.js';
import { noneAskedWords } from '../model/report/unfetched.js';
import { targetLabel } from '../model/verify/verdict.js';
import type { Target } from '../model/verify/verdict.js';
import { coordinator } from './calls/coordinator.js';
import { openGate } from './update/approval.js';
import type { Question } from './update/approval.js';
import { close, count, tell } from './update/closing.js';
import type { Update } from './update/commit-update.js';
import { rootCause } from './calls/failures.js';
import { openHolds } from './update/hold-back-requests.js';
import { keepNamedBack } from './update/keep-back.js';
import { takeRepository } from './update/repository-lock.js';
import { stamp, together } from './update/run.js';
import type { Run } from './update/run.js';
import { trackRun } from './update/run-state.js';
import type { RunState } from './update/run-state.js';
import { settle, unapproved, verifyApproved } from './update/settle.js';
import { UNNEEDED_TRIES, goOnWithout } from './calls/unneeded.js';

/**
 * One run: update the lock, verify every target, ask if asked to, land, tell people. The report is its result; of a run
 * that failed it is the first detail of the failure, of a cancelled one it is in the memo `report`.
 */
export async function updateFlake(options: RunOptions): Promise<Report> {
  const { workflowId, startTime } = workflowInfo();
  const state = begin(options, startTime);
  const run: Run = {
    options,
    state,
    gate: openGate(workflowId, options, state),
    holds: openHolds(workflowId, state),
    id: workflowId,
    startTime,
    machines: new Set(),
  };
  let error: Error | undefined;
  try {
    await together(
      async () => {
        try {
          state.know(await coordinator('look up search attributes', UNNEEDED_TRIES).knownSearchAttributes());
        } catch (caught) {
          goOnWithout('which search attributes there are', caught);
        }
      },
      async () => {
        const base = await takeBase(run);
        state.outcome = base === null ? 'superseded' : await update(run, base);
      },
    );
  } catch (caught) {
    error = caught instanceof Error ? caught : new Error(String(caught));
    state.outcome = isCancellation(caught) ? 'cancelled' : 'failed';
    state.error = state.outcome === 'failed' ? rootCause(caught).message : null;
  }
  await CancellationScope.nonCancellable(() => finish(run));
  if (error === undefined) return state.report();
  if (state.outcome === 'cancelled') {
    upsertMemo({ report: state.report() });
    throw error;
  }
  throw failureOfRun(rootCause(error), state.report());
}

/**
 * Options that cannot even be shown, or that only a newer version knows, end the run before it does anything: an error of any
 * other type would only be tried for ever.
 */
function begin(options: RunOptions, startTime: Date): RunState {
  try {
    checkKnown(options);
    return trackRun(options, landingIntent(options, startTime));
  } catch (error) {
    throw finalFailure('BadOptions', `the run's options cannot be used: ${rootCause(error).message}`);
  }
}

/**
 * Takes the repository, and sees meanwhile what main is: mostly nobody else has it. What was seen while somebody had it may
 * be old, and is asked again.
 * @returns `null` when this run gives way to a newer one
 */
async function takeBase(run: Run): Promise<Base | null> {
  const { options, state } = run;
  const meanwhile = new CancellationScope();
  // replay-tested: 2026-11-25, test/replay/0.1.0
  const seen = patched('resolve-base-ahead') ? meanwhile.run(() => resolveBase(run)) : null;
  const settled = Promise.allSettled([seen]);
  try {
    const taken = await takeRepository(options, state);
    if (taken.kind === 'superseded') {
      state.supersededBy = taken.by;
      return null;
    }
    state.phase('resolving');
    if (seen !== null && !taken.waited) return await seen;
  } finally {
    meanwhile.cancel();
    await settled;
  }
  return await resolveBase(run);
}

const resolveBase = ({ options, id, startTime }: Run): Promise<Base> =>
  coordinator(`fetch ${options.repository.mainBranch}`).resolveBase({
    repository: options.repository,
    run: id,
    ...(commandsOf(options).length === 0 ? {} : { commands: commandsOf(options) }),
    ...branchToPush(options, startTime),
  });

async function update(run: Run, base: Base): Promise<Outcome> {
  const { options, state } = run;
  const { repository, nix } = options;
  state.leftOut = base.leftOut;
  state.set({ base: base.commit });

  state.phase('updating-lock');
  const pins = options.holdBack?.pinned ?? [];
  const [targets, lock, earlier] = await together(
    () => listTargets(run, base.commit),
    () =>
      coordinator('update flake.lock').updateLock({
        repository,
        base: base.commit,
        ...inputChoice(options),
        named: [...(options.holdBack?.never ?? []), ...pins.map(({ input }) => input)],
        mayGoBack: options.approval !== null,
        nix,
        ...stamp(run),
      }),
    () => earlierHolds(run),
  );
  state.earlierHolds = earlier;
  state.heldBack = (lock.refused ?? []).map(heldForSources);
  state.set({ unfetched: lock.unfetched, heldBack: state.heldBack.map(shownHold) });
  if (lock.kind === 'unchanged') {
    if (lock.noneAsked === true) throw finalFailure('InputsUnreachable', noneAskedWords(lock.unfetched));
    return 'unchanged';
  }
  state.inputGroup = lock.group ?? null;
  const names = lock.moved.map(({ name }) => name);
  const pinned = pinnedInputs(pins, names, { moment: run.startTime, timeZone: options.timeZone });
  const first = await keepNamedBack(run, { lock, targets, heldBack: state.heldBack, fixes: [] }, pinned);
  return first === null ? 'unchanged' : await verifyAndLand(run, first);
}

/** Which inputs a run is about. */
const inputChoice = ({ inputs, excludeInputs, inputGroups, instance }: RunOptions) => ({
  inputs,
  ...(excludeInputs === undefined ? {} : { excludeInputs }),
  ...(inputGroups === undefined ? {} : { inputGroups, instance }),
});

/**
 * Verifies, asks and lands; and does so again, a bounded number of times, when main has moved meanwhile, and each time that
 * an input is held back while the run asks.
 */
async function verifyAndLand(run: Run, first: Update): Promise<Outcome> {
  const { options, state } = run;
  let proposed = first;
  let approved: string | null = null;
  let asked = false;
  for (let carried = 0; carried <= CARRY_OVER_LIMIT;) {
    const settled = await settle(run, proposed);
    if (typeof settled === 'string') return settled;
    const { candidate, update } = settled;

    const proposal = proposalOf(update.lock, update.fixes);
    if (waysOfLanding[options.landing.mode].lands && options.approval !== null && approved !== proposal) {
      const question = { commit: candidate.head, again: asked, unverified: unapproved(run).map(targetLabel) };
      const decision = await ask(run, question, options.approval);
      if (decision === null) {
        run.gate.withdraw();
        const rest = await keepNamedBack(run, update, run.holds.take());
        if (rest === null) return 'unchanged';
        proposed = rest;
        continue;
      }
      if (decision.decision === 'superseded') {
        state.supersededBy = decision.by;
        return 'superseded';
      }
      state.approval = decision;
      if (decision.decision !== 'approved') return decision.decision;
      approved = proposal;
      asked = true;
    }
    const waiting = approved === proposal ? unapproved(run) : [];
    if (waiting.length > 0 && !(await verifyApproved(run, candidate, waiting))) return 'broken';

    const next = await land(run, candidate, update);
    if (next.kind === 'ended') return next.outcome;
    proposed = next.update;
    // What was approved was an update of a main that its owner took back.
    if (next.rewound) approved = null;
    carried += 1;
  }
  throw finalFailure(
    'MainKeepsMoving',
    `${options.repository.mainBranch} moved ${CARRY_OVER_LIMIT + 1} times while this run was verifying: run it again when the branch is quieter, or land by branch`,
  );
}

/** Waits for a person's decision; `null` when an input was held back instead. */
const ask = ({ gate, holds, options, state }: Run, question: Question, policy: ApprovalPolicy) =>
  holds.unlessAsked(async () => {
    const decided = gate.decide(question, policy, () => tell(options, state, 'reminder'));
    const [decision] = await together(
      () => decided,
      () => tell(options, state, 'waiting'),
    );
    return decision;
  });

type Next =
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  | {
      readonly kind: 'again';
      readonly update: Update;
      /** Whether main has another history than before. */
      readonly rewound: boolean;
    };

/** The hosts that a commit of main has, and the run's gates; which of them are required is known with them. */
async function listTargets({ options, state }: Run, base: string): Promise<readonly Target[]> {
  const { repository, nix } = options;
  const list = await coordinator('list the hosts').listTargets({ repository, base, ...options.targets, nix });
  state.ignoredNixConfig = list.ignoredNixConfig;
  state.notAsked = list.notAsked ?? [];
  const gates = options.gates ?? [];
  state.required = [
    ...requiredHosts(options, list.targets),
    ...gates.filter(({ required }) => required).map((gate) => targetLabel({ ...gate, kind: 'gate' })),
  ];
  return [...list.targets, ...gates.map(gateTarget)];
}

/** What earlier runs held back, `null` when that is not known; older runs did not ask. */
async function earlierHolds({ options }: Run): Promise<readonly EarlierHold[] | null> {
  const { holdBack, repository } = options;
  if (holdBack?.alarmSeconds === undefined) return [];
  try {
    return await coordinator('see what was held back before', UNNEEDED_TRIES).earlierHolds({ repository });
  } catch (error) {
    goOnWithout('what was held back before', error);
    return null;
  }
}

async function land(run: Run, candidate: Candidate, update: Update): Promise<Next> {
  const { options, state } = run;
  const { repository, landing } = options;
  const branches = updateBranches(options, run.startTime);
  if (landing.mode === 'none') {
    state.landed = { mode: 'none', ref: branches.branch, commit: candidate.head };
    return { kind: 'ended', outcome: 'verified' };
  }
  state.phase('landing');
  const { mode } = landing;
  const { instance } = options;
  const { branchPrefix, removeOldBranches } = landing;
  const result = await coordinator(waysOfLanding[mode].step(repository)).land({
    ...{ repository, candidate, mode, instance, run: run.id, ...branches },
    ...(removeOldBranches === true ? { branchPrefix } : {}),
  });
  if (result.kind === 'main-moved') return await carryOver(run, candidate, update, result);
  const { ref, commit, already = false, insteadOf, older = [] } = result;
  state.landed = { mode, ref, commit, ...(already && { already }), ...(insteadOf && { insteadOf }) };
  // Only runs that ask for it have some, which none of 0.1.0 does.
  if (older.length > 0) state.landed = { ...state.landed, old: await removeBranches(run, older) };
  return { kind: 'ended', outcome: 'landed' };
}

/** Removes needless branches. The update has landed, whatever becomes of them. */
async function removeBranches({ options }: Run, branches: readonly SeenBranch[]): Promise<RemovedBranches> {
  try {
    const { repository } = options;
    return await coordinator('remove old branches', UNNEEDED_TRIES).removeBranches({ repository, branches });
  } catch (error) {
    const reason = `cannot be removed: ${isCancellation(error) ? 'the run was cancelled' : rootCause(error).message}`;
    return { removed: [], kept: branches.map(({ branch }) => ({ branch, reason })) };
  }
}

/**
 * Takes the update to the main branch as it is now, hosts included; what main has moved itself needs no update, and what was
 * kept back still is.
 */
async function carryOver(
  run: Run,
  candidate: Candidate,
  update: Update,
  { main: onto, rewound = false }: Extract<LandResult, { readonly kind: 'main-moved' }>,
): Promise<Next> {
  const { options, state } = run;
  const { repository, nix } = options;
  state.phase('updating-lock');
  const names = update.lock.moved.map(({ name }) => name);
  const [targets, lock] = await together(
    () => listTargets(run, onto),
    () =>
      coordinator(`carry over onto ${onto.slice(0, 12)}`).carryOver({
        repository,
        candidate,
        moved: names,
        onto,
        nix,
        ...stamp(run),
      }),
  );
  state.set({ unfetched: [...state.progress().unfetched, ...lock.unfetched] });
  if (lock.kind === 'unchanged') return { kind: 'ended', outcome: 'unchanged' };
  return { kind: 'again', update: { ...update, lock, targets }, rewound };
}

/** Tells people, writes the report and tidies up. What goes wrong here is logged and never changes how the run ended. */
async function finish(run: Run): Promise<void> {
  const { options, state } = run;
  state.phase('notifying');
  await count(options, state);
  if (isNews(state)) await tell(options, state, 'finished');
  await close(state, [...run.machines]);
  state.tag('LockkeeperOutcome', state.outcome);
  state.set({ phase: 'closed', outcome: state.outcome, waitsFor: null });
  // eslint-disable-next-line temporal/workflow-condition-timeout-style -- handlers are synchronous and end at once
  await condition(allHandlersFinished);
}

/** Nobody has heard of a run that gave way before it had something to show, and who cancels a run knows. */
const isNews = ({ outcome, candidate }: RunState): boolean =>
  outcome !== 'cancelled' && (outcome !== 'superseded' || candidate !== null);

const gateTarget = ({ name, check, timeoutSeconds }: Gate): Target => ({ kind: 'gate', name, check, timeoutSeconds });

function requiredHosts(options: RunOptions, targets: readonly Target[]): readonly string[] {
  const names = targets.map(targetLabel);
  if (options.require === 'all') return names;
  const unknown = options.require.filter((name) => !names.includes(name));
  if (unknown.length === 0) return options.require;
  throw finalFailure(
    'UnknownHost',
    `--require names ${unknown.join(', ')}, which this run does not verify. It verifies ${names.join(', ')}: correct --require, or add the host with --host.`,
  );
}
