import {
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
  defineQuery,
  defineSignal,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { PastAttempt } from '../../model/autofix/attempt.js';
import { reportedFixes } from '../../model/autofix/fix-target.js';
import type { Fix } from '../../model/autofix/fix-target.js';
import type { Candidate, MovedInput, UnfetchedInput } from '../../model/verify/candidate.js';
import { letGoInputs, withHistory } from '../../model/hold-back/earlier.js';
import type { EarlierHold } from '../../model/hold-back/earlier.js';
import type { InputGroup } from '../../model/run/input-groups.js';
import { DOING, PROGRESS, TARGET_DONE } from '../../model/run/messages.js';
import { untouched } from '../../model/run/progress.js';
import type { Phase, RunProgress, TargetProgress } from '../../model/run/progress.js';
import { brokenVerdicts, type ShownFailure } from '../../model/report/log-details.js';
import { heldBackLogsCommand } from '../../model/report/held-back-words.js';
import { runDetails } from '../../model/report/render.js';
import { reportedInput, reportedTarget, unfinishedTarget } from '../../model/report/data.js';
import type {
  ApprovalDecision,
  HeldBackInput,
  Landed,
  NotHeldBack,
  FailuresInRow,
  NotificationResult,
  Outcome,
  Report,
} from '../../model/report/data.js';
import type { RunOptions } from '../../model/run/options.js';
import { TAILS_LIMIT_BYTES, limitTails, tailBytes } from '../../model/verify/verification.js';
import { targetLabel } from '../../model/verify/verdict.js';
import type { Target, Verdict } from '../../model/verify/verdict.js';

const progressQuery = defineQuery<RunProgress>(PROGRESS);
const targetDone = defineSignal<TargetProgress[]>(TARGET_DONE);
const doing = defineSignal<[string]>(DOING);

type SearchAttribute = 'LockkeeperInstance' | 'LockkeeperRepository' | 'LockkeeperOutcome' | 'LockkeeperWaiting';

/**
 * What a run knows so far. Whatever changes it is seen at once by the `progress` query, by the details in the Temporal UI
 * and, in the end, in the report.
 */
export interface RunState {
  readonly progress: () => RunProgress;
  readonly set: (change: Partial<RunProgress>) => void;
  readonly phase: (phase: Phase, waitsFor?: string | null) => void;
  readonly targets: (targets: readonly Target[]) => void;
  readonly changed: (targets: readonly TargetProgress[]) => void;
  readonly tag: (name: SearchAttribute, value: string) => void;
  readonly know: (names: readonly string[]) => void;
  readonly report: () => Report;
  candidate: Candidate | null;
  verdicts: readonly Verdict[];
  /** Seconds of each target's longest verification: what is in the store already takes no time. */
  readonly longest: Map<string, number>;
  /** Names of the flake's hosts that the run was not asked for. */
  notAsked: readonly string[];
  required: readonly string[];
  inputGroup: InputGroup | null;
  heldBack: readonly HeldBackInput[];
  /** `null` when that is not known. */
  earlierHolds: readonly EarlierHold[] | null;
  /** What agents have tried, by name of the target: all that were asked about, also those for which nothing was tried yet. */
  readonly tried: Map<string, readonly PastAttempt[]>;
  fixes: readonly Fix[];
  brokenOnBase: readonly string[];
  notHeldBack: readonly NotHeldBack[];
  /** Why nothing lands although no broken host stops it. */
  nothingVerified: string | null;
  ignoredNixConfig: readonly string[];
  leftOut: readonly string[];
  landed: Landed | null;
  approval: ApprovalDecision | null;
  supersededBy: string | null;
  failuresInRow: FailuresInRow | null;
  notifications: NotificationResult[];
  outcome: Outcome;
  error: string | null;
}

export function trackRun(options: RunOptions, intent: string): RunState {
  const { workflowId, startTime } = workflowInfo();
  let progress: RunProgress = {
    run: workflowId,
    instance: options.instance,
    repository: options.repository.displayUrl,
    phase: 'waiting-for-repository',
    waitsFor: null,
    doing: null,
    base: null,
    head: null,
    moved: [] as readonly MovedInput[],
    unfetched: [] as readonly UnfetchedInput[],
    heldBack: [],
    mended: [],
    targets: [],
    children: [],
    approval: null,
    outcome: null,
    intent,
  };
  const wanted = new Map<SearchAttribute, string>([
    ['LockkeeperInstance', options.instance],
    ['LockkeeperRepository', options.repository.displayUrl],
    ['LockkeeperWaiting', 'no'],
  ]);
  let known: readonly string[] = [];

  const failures = (): readonly ShownFailure[] => shownFailures(workflowId, state);
  const set = (change: Partial<RunProgress>): void => {
    progress = { ...progress, ...change };
    setCurrentDetails(runDetails(progress, failures()));
  };
  const upsert = (): void => {
    const pairs = [...wanted]
      .filter(([name]) => known.includes(name))
      .map(([name, value]) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value: value.slice(0, 250) }));
    if (pairs.length > 0) upsertSearchAttributes(pairs);
    if (known.length > 0) wanted.clear();
  };

  const atItsLongest = (verdict: Verdict): Verdict => ({
    ...verdict,
    seconds: state.longest.get(targetLabel(verdict.target)) ?? verdict.seconds,
  });

  const state: RunState = {
    progress: () => progress,
    set,
    phase: (phase, waitsFor = null) => {
      set({ phase, waitsFor, doing: null });
    },
    targets: (targets) => {
      set({ targets: targets.map((target) => untouched(targetLabel(target))) });
    },
    changed: (targets) => {
      const changes = new Map(targets.map((target) => [target.name, target]));
      set({ targets: progress.targets.map((target) => changes.get(target.name) ?? target) });
    },
    tag: (name, value) => {
      wanted.set(name, value);
      if (known.length > 0) upsert();
    },
    know: (names) => {
      known = names;
      upsert();
    },
    report: () => {
      const heldBack = shortened(state.heldBack);
      const room = TAILS_LIMIT_BYTES - tailBytes(heldBack.flatMap(({ failures = [] }) => failures));
      return {
        run: workflowId,
        instance: options.instance,
        repository: options.repository.displayUrl,
        outcome: state.outcome,
        error: state.error,
        base: progress.base,
        head: state.candidate?.head ?? null,
        inputs: progress.moved.map(reportedInput),
        ...(state.inputGroup === null ? {} : { inputGroup: state.inputGroup }),
        unfetched: progress.unfetched,
        fixes: reportedFixes(state.tried, state.fixes),
        heldBack: withHistory(heldBack, state.earlierHolds, {
          startedAt: startTime.toISOString(),
          alarmSeconds: options.holdBack?.alarmSeconds ?? null,
        }),
        letGo:
          state.outcome === 'landed' || state.outcome === 'verified'
            ? letGoInputs(progress.moved.map(reportedInput), state.earlierHolds ?? [])
            : [],
        brokenOnBase: state.brokenOnBase,
        notHeldBack: state.notHeldBack,
        ...(state.nothingVerified === null ? {} : { nothingVerified: state.nothingVerified }),
        ignoredNixConfig: state.ignoredNixConfig,
        leftOut: state.leftOut,
        targets:
          state.verdicts.length > 0
            ? limitTails(state.verdicts, room).map((verdict) => reportedTarget(atItsLongest(verdict), state.required))
            : progress.targets.map((target) => unfinishedTarget(target, state.required)),
        notAsked: state.notAsked,
        required: state.required,
        landed: state.landed,
        approval: state.approval,
        ...(state.supersededBy === null ? {} : { supersededBy: state.supersededBy }),
        ...(state.failuresInRow === null ? {} : { failuresInRow: state.failuresInRow }),
        notifications: state.notifications,
        startedAt: startTime.toISOString(),
        seconds: Math.round((Date.now() - startTime.getTime()) / 100) / 10,
      };
    },
    candidate: null,
    verdicts: [],
    longest: new Map(),
    notAsked: [],
    required: [],
    inputGroup: null,
    tried: new Map(),
    fixes: [],
    heldBack: [],
    earlierHolds: [],
    brokenOnBase: [],
    notHeldBack: [],
    nothingVerified: null,
    ignoredNixConfig: [],
    leftOut: [],
    landed: null,
    approval: null,
    supersededBy: null,
    failuresInRow: null,
    notifications: [],
    outcome: 'failed',
    error: null,
  };

  setHandler(progressQuery, () => progress, { description: 'Phase, inputs, targets, and what it waits for' });
  setHandler(
    targetDone,
    (...changes): void => {
      state.changed(changes);
    },
    { description: 'How far hosts are: sent by the verifications of this run, not by people' },
  );
  setHandler(
    doing,
    (words): void => {
      if (progress.phase === 'holding-back' || progress.phase === 'mending') set({ doing: words });
    },
    { description: 'What is tried now: sent by the search for the input to blame and by agents, not by people' },
  );
  set({});
  return state;
}

/** What is held back, with ends of logs for half the room that a report has for them. */
function shortened(heldBack: readonly HeldBackInput[]): readonly HeldBackInput[] {
  const failures = limitTails(
    heldBack.flatMap((held) => held.failures ?? []),
    TAILS_LIMIT_BYTES / 2,
  ).values();
  return heldBack.map((held) =>
    held.failures === undefined
      ? held
      : { ...held, failures: held.failures.map((failure) => failures.next().value ?? failure) },
  );
}

/** What broke, for the Temporal UI: targets as they stand, then what inputs are held back for. */
const shownFailures = (run: string, { verdicts, heldBack }: RunState): readonly ShownFailure[] => [
  ...brokenVerdicts(run, verdicts),
  ...heldBack.flatMap(({ input, failures: [first] = [] }) => {
    if (first === undefined) return [];
    const { error, logTail } = first;
    return [{ what: `${first.target} with ${input}`, error, logTail, command: heldBackLogsCommand(run, first, input) }];
  }),
];
