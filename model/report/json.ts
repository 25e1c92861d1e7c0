import type { ChannelMove } from '../channels/move.js';
import {
  gatesOf,
  hostsOf,
  type HeldBackFailure,
  type InsteadOf,
  type Landed,
  type PlannedBuilds,
  type Report,
  type ReportedPart,
  type ReportedFix,
  type ReportedInput,
  type ReportedNested,
  type ReportedRequest,
  type ReportedTarget,
} from './data.js';
import { exitStatus } from './exit-status.js';
import { listEach } from '../closure/share.js';
import type { VerdictKind } from '../targets/types.js';

/**
 * The report as programs read it: a stable shape with the fields in a stable order, spelled out one by one so that a
 * field that is only ours does not become part of it by accident.
 * @param strict as for `exitStatus`
 */
export function reportJson(report: Report, strict = false): Record<string, unknown> {
  return {
    run: report.run,
    instance: report.instance,
    repository: report.repository,
    ...(report.verifiedBranch === undefined ? {} : { verifiedBranch: report.verifiedBranch }),
    ...(report.compared === undefined ? {} : { compared: { ...report.compared } }),
    outcome: report.outcome,
    exitStatus: exitStatus(report, strict),
    error: report.error,
    base: report.base,
    head: report.head,
    inputs: report.inputs.map(inputJson),
    inputGroup: report.inputGroup === undefined ? null : [...report.inputGroup],
    unfetched: report.unfetched.map(({ name, reason }) => ({ name, reason })),
    waiting: report.waiting.map(({ name, cooldown, movesTo, newer }) => ({ name, cooldown, movesTo, newer })),
    advice: report.advice.map((each) => ({ ...each })),
    fixes: report.fixes.map(fixJson),
    heldBack: report.heldBack.map((held) => ({
      input: held.input,
      targets: [...held.targets],
      reason: held.reason,
      logPath: held.logPath ?? null,
      failures: (held.failures ?? []).map(failureJson),
      revision: held.revision ?? null,
      newRevision: held.newRevision ?? null,
      compareUrl: held.compareUrl ?? null,
      since: held.since ?? null,
      overdue: held.overdue === true,
      ...(held.newSources === undefined ? {} : { newSources: [...held.newSources] }),
    })),
    letGo: report.letGo.map(({ input, since }) => ({ input, since })),
    brokenOnBase: [...report.brokenOnBase],
    notHeldBack: report.notHeldBack.map(({ target, reason }) => ({ target, reason })),
    nothingVerified: report.nothingVerified ?? null,
    plannedBuilds: report.plannedBuilds === undefined ? null : plannedJson(report.plannedBuilds),
    targets: listEach(hostsOf(report)).map(targetJson),
    notAsked: [...report.notAsked],
    ...(report.gone.length === 0 ? {} : { gone: [...report.gone] }),
    gates: gatesOf(report).map(gateJson),
    required: [...report.required],
    landed: report.landed === null ? null : landedJson(report.landed),
    ...(report.declined === undefined ? {} : { declined: requestJson(report.declined) }),
    ...(report.parts === undefined ? {} : { parts: report.parts.map((part) => partJson(part, strict)) }),
    ...(report.partOf === undefined ? {} : { partOf: report.partOf }),
    ...(report.closedRequests.length === 0 ? {} : { closedRequests: report.closedRequests.map(requestJson) }),
    ...(report.channels.length === 0 ? {} : { channels: report.channels.map(channelJson) }),
    approval:
      report.approval === null
        ? null
        : {
            decision: report.approval.decision,
            by: report.approval.by,
            commit: report.approval.commit,
            comment: report.approval.comment,
          },
    supersededBy: report.supersededBy ?? null,
    failuresInRow: report.failuresInRow === undefined ? null : { ...report.failuresInRow },
    notifications: report.notifications.map(({ notifier, event, ok, error }) => ({ notifier, event, ok, error })),
    leftOut: [...report.leftOut],
    ignoredNixConfig: [...report.ignoredNixConfig],
    startedAt: report.startedAt,
    seconds: report.seconds,
  };
}

const plannedJson = ({ builds, limit, approvedBy }: PlannedBuilds): Record<string, unknown> => ({
  builds,
  limit,
  ...(approvedBy === undefined ? {} : { approvedBy }),
});

const insteadOfJson = ({ branch, reason }: InsteadOf): Record<string, unknown> => ({ branch, reason });

const requestJson = ({ number, url, moved, without }: ReportedRequest): Record<string, unknown> => ({
  number,
  url,
  ...(moved === undefined ? {} : { moved }),
  ...(without === undefined ? {} : { without: [...without] }),
});

const landedJson = ({
  mode,
  ref,
  commit,
  already,
  insteadOf,
  old,
  request,
  unchanged,
  merged,
  notMerged,
  statusesMissing,
}: Landed): Record<string, unknown> => ({
  mode,
  ref,
  commit,
  ...(already === true ? { already } : {}),
  ...(insteadOf === undefined ? {} : { insteadOf: insteadOfJson(insteadOf) }),
  ...(request === undefined ? {} : { request: requestJson(request) }),
  ...(unchanged === true ? { unchanged } : {}),
  ...(merged === undefined ? {} : { merged: { by: merged.by, commit: merged.commit, asVerified: merged.asVerified } }),
  ...(notMerged === undefined ? {} : { notMerged }),
  ...(statusesMissing === undefined ? {} : { statusesMissing }),
  ...(old === undefined ? {} : { old: { removed: [...old.removed], kept: old.kept.map(insteadOfJson) } }),
});

const partJson = (part: ReportedPart, strict: boolean): Record<string, unknown> => ({
  run: part.run,
  inputs: [...part.inputs],
  outcome: part.outcome,
  exitStatus: strict ? part.strictExitStatus : part.exitStatus,
  headline: part.headline,
  counts: part.counts,
  error: part.error,
  landed: part.landed === null ? null : landedJson(part.landed),
  ...(part.declined === undefined ? {} : { declined: requestJson(part.declined) }),
});

const channelJson = ({ target, branch, outcome, from, to, reason, lost }: ChannelMove): Record<string, unknown> => ({
  target,
  branch,
  outcome,
  from,
  to,
  reason: reason ?? null,
  ...(lost === undefined ? {} : { lost }),
});

const failureJson = ({ target, error, failedDrv, machine, logPath, logTail }: HeldBackFailure): object => ({
  target,
  error,
  failedDrv,
  machine,
  logPath,
  logTail,
});

const fixJson = ({ target, attempts, commit }: ReportedFix): Record<string, unknown> => ({
  target,
  attempts: attempts.map((attempt) => ({
    number: attempt.number,
    outcome: attempt.outcome,
    reason: attempt.reason,
    seconds: attempt.seconds,
    machine: attempt.machine,
    logPath: attempt.logPath,
    sandboxed: attempt.sandboxed,
    files: [...attempt.files],
  })),
  commit,
});

const inputJson = (input: ReportedInput): Record<string, unknown> => ({
  name: input.name,
  kind: input.kind,
  ...moveJson(input),
  commits:
    input.commits === undefined
      ? null
      : {
          count: input.commits.count,
          newest: input.commits.newest.map(({ revision, date, subject }) => ({ revision, date, subject })),
        },
  nested: [...input.nested],
  nestedMoves: input.nestedMoves.map((nested) => ({
    path: nested.path,
    ...moveJson(nested),
    source: nested.source ?? null,
  })),
  goesBack: input.goesBack === true,
});

const moveJson = (move: ReportedInput | ReportedNested): Record<string, unknown> => ({
  from: move.from,
  to: move.to,
  fromDate: move.fromDate,
  toDate: move.toDate,
  compareUrl: move.compareUrl,
});

const gateJson = (gate: ReportedTarget): Record<string, unknown> => ({
  name: gate.name,
  required: gate.required,
  verdict: GATE_VERDICTS[gate.verdict],
  seconds: gate.seconds,
  error: gate.error,
  machine: gate.machine,
  logPath: gate.logPath,
  logTail: gate.logTail,
});

const GATE_VERDICTS: Readonly<Record<VerdictKind, string>> = {
  built: 'passed',
  'evaluation-failed': 'failed',
  'build-failed': 'failed',
  'timed-out': 'timed-out',
  skipped: 'skipped',
};

const targetJson = (target: ReportedTarget): Record<string, unknown> => ({
  name: target.name,
  kind: target.kind,
  required: target.required,
  system: target.system,
  verdict: target.verdict,
  sameAsBase: target.sameAsBase,
  drvPath: target.drvPath,
  outPath: target.outPath,
  seconds: target.seconds,
  error: target.error,
  failedDrv: target.failedDrv,
  machine: target.machine,
  logPath: target.logPath,
  logTail: target.logTail,
  closure: target.closure ?? null,
  plan: target.plan ?? null,
  ...(target.knownFrom === undefined ? {} : { knownFrom: target.knownFrom }),
  ...(target.caches === undefined ? {} : { caches: target.caches.map((each) => ({ ...each })) }),
});
