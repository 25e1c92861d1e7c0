import type { Outcome, Report, ReportedTarget } from './data.js';
import { lackingCaches } from '../caches/outcome.js';
import type { Cache } from '../caches/types.js';
import { DAY_MS } from '../text/span.js';
import type { NixSettings, Repository } from '../run/options.js';
import { targetLabel, type FlakeTarget } from '../targets/index.js';
import { NOTHING_KNOWN, type Verdict } from '../verify/verdict.js';

/**
 * How long a failure is not tried again, so that a fix of upstream is found the next day; and how long a cache is believed to have what it
 * was seen to have. What is only known from another run is as old as that.
 */
const FRESH_MS = DAY_MS;

/** Ends of runs whose verdicts are all about the commit that their report names. */
const CONCLUSIVE: readonly Outcome[] = ['landed', 'verified', 'broken', 'rejected', 'expired', 'superseded'];

/** What tells settings of Nix apart under which targets may build or break; empty for the usual ones. */
export function settingsText({ options, acceptFlakeConfig, accessTokensFile = '' }: NixSettings): string {
  if (options.length === 0 && !acceptFlakeConfig && accessTokensFile === '') return '';
  return JSON.stringify([options, acceptFlakeConfig, accessTokensFile]);
}

/** Targets of a commit whose verdicts may be known. */
export interface VerdictsWanted {
  readonly repository: Repository;
  readonly commit: string;
  readonly targets: readonly FlakeTarget[];
  /** How Nix is set; missing in older runs: as usual. */
  readonly nix?: NixSettings;
  /** What is not in the required ones of these is not known; missing where nothing is uploaded. */
  readonly caches?: readonly Cache[];
}

/**
 * What earlier runs found out about targets of a commit: that they build, or for a day that they do not. Where evaluation saw the
 * machine, verdicts hold for that run alone, and under other settings of Nix, or such that the report does not tell, they hold for nobody.
 * @param reports the newest first
 * @param now milliseconds since 1970
 */
export function knownVerdicts(
  reports: readonly Report[],
  { repository, commit, targets, nix, caches: wanted = [] }: VerdictsWanted,
  now: number,
): readonly Verdict[] {
  const settings = nix === undefined ? '' : settingsText(nix);
  const about = reports.filter(
    (report) =>
      report.repository === repository.displayUrl &&
      report.head === commit &&
      report.flakeDir === repository.dir &&
      report.nixSettings === settings &&
      CONCLUSIVE.includes(report.outcome),
  );
  return targets.flatMap((target) => {
    const name = targetLabel(target);
    for (const report of about) {
      const found = report.targets.find((each) => each.name === name);
      if (found === undefined) continue;
      const isFresh = found.knownFrom === undefined && now - Date.parse(report.startedAt) < FRESH_MS;
      // What was built earlier says nothing against a failure that came later.
      if (isFailure(found) && found.knownFrom === undefined && !isFresh) return [];
      if (found.verdict !== 'built' && !(isFailure(found) && isFresh)) continue;
      if (found.verdict === 'built' && wanted.length > 0 && !(isFresh && hasAll(found, wanted))) continue;
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

const isFailure = ({ verdict }: ReportedTarget): boolean =>
  verdict === 'build-failed' || verdict === 'evaluation-failed';

/** Also caches that are not required are filled, as far as they can be. */
const hasAll = (target: ReportedTarget, caches: readonly Cache[]): boolean =>
  lackingCaches(
    target,
    caches.map((cache) => ({ ...cache, required: true })),
  ).length === 0;
