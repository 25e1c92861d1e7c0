import { limitChanges } from '../../model/closure/limit.js';
import { shareEqual } from '../../model/closure/share.js';
import { reportedFixes } from '../../model/autofix/fix-target.js';
import { letGoInputs, withHistory } from '../../model/report/earlier-holds.js';
import { reportedInput, type HeldBackInput, type Report, type ReportedTarget } from '../../model/report/data.js';
import { settingsText } from '../../model/report/known-verdicts.js';
import { limitReport } from '../../model/report/limit.js';
import { comparedWords } from '../../model/run/comparison.js';
import type { RunOptions } from '../../model/run/options.js';
import type { TargetProgress } from '../../model/progress/progress.js';
import { TAILS_LIMIT_BYTES, limitTails, tailBytes } from '../../model/verify/verification.js';
import { kindOf, targetLabel } from '../../model/targets/index.js';
import { NOTHING_KNOWN, type Verdict } from '../../model/verify/verdict.js';
import { pick } from '../../model/run/without.js';
import { REPORTED_FACTS, type Facts } from './facts.js';

export interface ReportedRun {
  readonly id: string;
  /** The run that it is a part of, if it is one. */
  readonly partOf?: string | undefined;
  readonly options: RunOptions;
  readonly startTime: Date;
  /** How far targets are that have no verdict yet. */
  readonly targets: readonly TargetProgress[];
}

/** The report of a run as it stands now. */
export function reportOf(facts: Facts, { id, partOf, options, startTime, targets }: ReportedRun): Report {
  const { inputGroup, nothingVerified, plannedBuilds, supersededBy, failuresInRow } = facts;
  const heldBack = shortened(facts.heldBack);
  const inputs = facts.moved.map((input) => reportedInput(input, facts.commits));
  const isUpdate = facts.outcome === 'landed' || facts.outcome === 'verified';
  // What is held back does not move, also not to an older revision.
  const waiting = facts.waiting.filter(({ name }) => !heldBack.some(({ input }) => input === name));
  return limitReport({
    run: id,
    instance: options.instance,
    repository: options.repository.displayUrl,
    ...(options.nix.impure ? {} : { flakeDir: options.repository.dir }),
    ...(options.verifies === true ? { verifiedBranch: options.repository.mainBranch } : {}),
    ...(options.compares === undefined ? {} : { compared: comparedWords(options.compares, options.repository) }),
    ...pick(facts, REPORTED_FACTS),
    outcome: facts.outcome ?? 'failed',
    head: facts.candidate?.head ?? null,
    inputs,
    ...(inputGroup === null ? {} : { inputGroup }),
    unfetched: facts.fetchFailures,
    waiting,
    fixes: reportedFixes(facts.attempts, facts.fixes),
    heldBack: withHistory(heldBack, facts.earlierHolds, {
      startedAt: startTime.toISOString(),
      alarmSeconds: options.holdBack?.alarmSeconds ?? null,
    }),
    letGo: isUpdate ? letGoInputs(inputs, facts.earlierHolds ?? []) : [],
    ...(nothingVerified === null ? {} : { nothingVerified }),
    ...(plannedBuilds === null ? {} : { plannedBuilds }),
    nixSettings: settingsText(options.nix),
    leftOut: facts.ignoredChanges,
    targets: reportedTargets(
      facts,
      targets,
      TAILS_LIMIT_BYTES - tailBytes(heldBack.flatMap(({ failures = [] }) => failures)),
    ),
    ...(facts.declined === null ? {} : { declined: facts.declined }),
    ...(facts.parts === null ? {} : { parts: facts.parts }),
    ...(partOf === undefined ? {} : { partOf }),
    ...(supersededBy === null ? {} : { supersededBy }),
    ...(failuresInRow === null ? {} : { failuresInRow }),
    startedAt: startTime.toISOString(),
    seconds: Math.round((Date.now() - startTime.getTime()) / 100) / 10,
  });
}

/** The verdicts, or how far the targets are when there are none. @param room for ends of logs, in bytes */
function reportedTargets(
  { verdicts, longest, required }: Facts,
  targets: readonly TargetProgress[],
  room: number,
): readonly ReportedTarget[] {
  if (verdicts.length === 0) return targets.map((target) => unfinishedTarget(target, required));
  const shared = shareEqual(limitTails(verdicts, room), ({ target }) => targetLabel(target));
  return limitChanges(shared).map(({ plan, ...verdict }) =>
    reportedTarget({ ...verdict, ...(longest.get(targetLabel(verdict.target)) ?? (plan && { plan })) }, required),
  );
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

const reportedTarget = ({ target, ...verdict }: Verdict, required: readonly string[]): ReportedTarget => ({
  ...verdict,
  name: targetLabel(target),
  kind: target.kind,
  required: required.includes(targetLabel(target)),
});

/** A target of a run that ended before its verdict was in: what was known of it. */
const unfinishedTarget = (target: TargetProgress, required: readonly string[]): ReportedTarget => ({
  ...NOTHING_KNOWN,
  name: target.name,
  kind: kindOf(target.name),
  required: required.includes(target.name),
  verdict: target.verdict ?? 'skipped',
  system: target.system,
  sameAsBase: target.sameAsBase,
  seconds: target.seconds ?? 0,
  error: target.verdict === null ? 'the run ended before' : target.error,
});
