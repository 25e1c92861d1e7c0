import type { Outcome, Report, ReportedTarget } from '../report/data.js';
import { lackingCaches } from '../caches/outcome.js';
import type { CoordinatorActivities } from '../contract/activities.js';
import { targetLabel } from '../targets/index.js';
import { NOTHING_KNOWN, type Verdict } from './verdict.js';

/** How long a failure is not tried again: what upstream mends is found the next day. */
const FAILURE_MS = 86_400_000;

/** Ends of runs whose verdicts are all about the commit that their report names. */
const CONCLUSIVE: readonly Outcome[] = ['landed', 'verified', 'broken', 'rejected', 'expired', 'superseded'];

/**
 * What earlier runs found out about targets of a commit: that they build, or for a day that they do not. Where evaluation saw the
 * machine, verdicts hold for that run alone.
 * @param reports the newest first
 * @param now milliseconds since 1970
 */
export function knownVerdicts(
  reports: readonly Report[],
  { repository, commit, targets, caches: wanted }: Parameters<CoordinatorActivities['knownVerdicts']>[0],
  now: number,
): readonly Verdict[] {
  const about = reports.filter(
    (report) =>
      report.repository === repository.displayUrl &&
      report.head === commit &&
      report.flakeDir === repository.dir &&
      CONCLUSIVE.includes(report.outcome),
  );
  return targets.flatMap((target) => {
    const name = targetLabel(target);
    for (const report of about) {
      const found = report.targets.find((each) => each.name === name);
      if (found === undefined || !isConclusive(found, report, now)) continue;
      if (found.verdict === 'built' && lackingCaches(found, wanted).length > 0) continue;
      const { verdict, system, drvPath, outPath, error, failedDrv, machine, logPath, logTail, caches } = found;
      const facts = { system, drvPath, outPath, error, failedDrv, machine, logPath, logTail };
      return [
        {
          ...NOTHING_KNOWN,
          target,
          verdict,
          ...facts,
          knownFrom: found.knownFrom ?? report.run,
          ...(caches && { caches }),
        },
      ];
    }
    return [];
  });
}

function isConclusive({ verdict, knownFrom }: ReportedTarget, { startedAt }: Report, now: number): boolean {
  if (verdict === 'built') return true;
  if (verdict !== 'build-failed' && verdict !== 'evaluation-failed') return false;
  // What is only known from another run is as old as that.
  return knownFrom === undefined && now - Date.parse(startedAt) < FAILURE_MS;
}
