import {
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
  defineQuery,
  defineSignal,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { heldBackLogsCommand } from '../../model/report/held-back-words.js';
import type { Report } from '../../model/report/data.js';
import { brokenVerdicts, type ShownFailure } from '../../model/report/log-details.js';
import { runDetails } from '../../model/progress/markdown.js';
import { DOING, PROGRESS, TARGET_DONE } from '../../model/run/messages.js';
import type { RunOptions } from '../../model/run/options.js';
import {
  shownHold,
  untouched,
  type Phase,
  type RunProgress,
  type TargetProgress,
} from '../../model/progress/progress.js';
import { targetLabel, type Target } from '../../model/targets/index.js';
import { NOTHING_FOUND, fold, type Facts, type Found } from './facts.js';
import { reportOf } from './report-of.js';

const progressQuery = defineQuery<RunProgress>(PROGRESS);
const targetDone = defineSignal<TargetProgress[]>(TARGET_DONE);
const doing = defineSignal<[string]>(DOING);

type SearchAttribute = 'LockkeeperInstance' | 'LockkeeperRepository' | 'LockkeeperOutcome' | 'LockkeeperWaiting';

/** What is shown of a run beside its facts: what it does now. */
type Shown = Pick<RunProgress, 'phase' | 'waitsFor' | 'doing' | 'targets' | 'children' | 'approval'>;

/** What a run knows and does. Changes show at once in the `progress` query, in the Temporal UI, and in the report. */
export interface RunState {
  readonly facts: () => Facts;
  /** Puts what a step found to what was known. */
  readonly learn: (found: Found) => void;
  readonly progress: () => RunProgress;
  readonly show: (change: Partial<Shown>) => void;
  readonly phase: (phase: Phase, waitsFor?: string | null) => void;
  /** Begins the table of targets anew. */
  readonly targets: (targets: readonly Target[]) => void;
  readonly changed: (targets: readonly TargetProgress[]) => void;
  readonly tag: (name: SearchAttribute, value: string) => void;
  /** Tells which search attributes the namespace has: none is set before. */
  readonly knowAttributes: (names: readonly string[]) => void;
  readonly report: () => Report;
}

/**
 * @param intent what the run will push, and where, in one sentence
 * @param partOf run that it is a part of, if it is one
 */
export function trackRun(options: RunOptions, intent: string, partOf?: string): RunState {
  const { workflowId, startTime } = workflowInfo();
  let facts = NOTHING_FOUND;
  let shown: Shown = {
    phase: 'waiting-for-repository',
    waitsFor: null,
    doing: null,
    targets: [],
    children: [],
    approval: null,
  };
  const progress = (): RunProgress => ({
    run: workflowId,
    instance: options.instance,
    repository: options.repository.displayUrl,
    ...shown,
    base: facts.base,
    head: facts.candidate?.head ?? null,
    moved: facts.moved,
    unfetched: facts.fetchFailures,
    heldBack: facts.heldBack.map(shownHold),
    mended: facts.fixes.flatMap(({ targets }) => targets.map(targetLabel)),
    outcome: shown.phase === 'closed' ? facts.outcome : null,
    intent,
  });
  const draw = (): void => {
    setCurrentDetails(runDetails(progress(), shownFailures(workflowId, facts)));
  };
  const show = (change: Partial<Shown>): void => {
    shown = { ...shown, ...change };
    draw();
  };
  const changed = (targets: readonly TargetProgress[]): void => {
    const changes = new Map(targets.map((target) => [target.name, target]));
    show({ targets: shown.targets.map((target) => changes.get(target.name) ?? target) });
  };

  const wanted = new Map<SearchAttribute, string>([
    ['LockkeeperInstance', options.instance],
    ['LockkeeperRepository', options.repository.displayUrl],
    ['LockkeeperWaiting', 'no'],
  ]);
  let known: readonly string[] = [];
  const upsert = (): void => {
    const pairs = [...wanted]
      .filter(([name]) => known.includes(name))
      .map(([name, value]) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value: value.slice(0, 250) }));
    if (pairs.length > 0) upsertSearchAttributes(pairs);
    if (known.length > 0) wanted.clear();
  };

  setHandler(progressQuery, progress, { description: 'Phase, inputs, targets, and why the run waits' });
  setHandler(
    targetDone,
    (...changes: readonly (Partial<TargetProgress> | null | undefined)[]): void => {
      // Something else may have been sent here again by somebody who read it on the server.
      changed(changes.filter((each): each is TargetProgress => typeof each?.name === 'string' && 'state' in each));
    },
    { description: 'Progress of targets: sent by verifications of this run, not for people' },
  );
  setHandler(
    doing,
    (words: unknown): void => {
      if (typeof words !== 'string') return;
      if (shown.phase === 'holding-back' || shown.phase === 'mending') show({ doing: words });
    },
    {
      description: 'Current activity: sent by child workflows (search for the input to blame, agents), not for people',
    },
  );
  draw();
  return {
    facts: () => facts,
    learn: (found) => {
      facts = fold(facts, found);
      draw();
    },
    progress,
    show,
    phase: (phase, waitsFor = null) => {
      show({ phase, waitsFor, doing: null });
    },
    targets: (targets) => {
      show({ targets: targets.map((target) => untouched(targetLabel(target))) });
    },
    changed,
    tag: (name, value) => {
      wanted.set(name, value);
      if (known.length > 0) upsert();
    },
    knowAttributes: (names) => {
      known = names;
      upsert();
    },
    report: () => reportOf(facts, { id: workflowId, partOf, options, startTime, targets: shown.targets }),
  };
}

/** What broke, for the Temporal UI: targets as they stand, then what inputs are held back for. */
const shownFailures = (run: string, { verdicts, heldBack }: Facts): readonly ShownFailure[] => [
  ...brokenVerdicts(run, verdicts),
  ...heldBack.flatMap(({ input, failures: [first] = [] }) => {
    if (first === undefined) return [];
    const { error, logTail } = first;
    return [{ what: `${first.target} with ${input}`, error, logTail, command: heldBackLogsCommand(run, first, input) }];
  }),
];
