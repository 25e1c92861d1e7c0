import { truncate, utf8Length } from '../text/text.js';
import type { Report } from './data.js';

/** Room of a report, in bytes of JSON: a payload may have 2 MiB, a workflow task, perhaps with two of them, 4 MiB. */
const REPORT_BYTES = 1024 * 1024;

/** Texts that say why, in any part of a report; names, paths and commits stay whole. */
const REASONS = new Set(['error', 'reason', 'logTail']);

/** Bytes of each reason, tried one after the other. */
const SHARES = [500, 250, 120, 60] as const;

/** Names that each list keeps where nothing else helps. */
const NAMES = 20;

/**
 * The report with shorter reasons, where it would be too large else: a thousand hosts that all say much. Whole logs are on the disks
 * of the machines. What it counts stays, but for lists within the inputs that are held back, and which hosts were not asked for.
 */
export function limitReport(report: Report): Report {
  if (fits(report)) return report;
  for (const share of SHARES) {
    const shorter = withShortReasons(report, share);
    if (fits(shorter)) return shorter;
  }
  return withShortLists(withShortReasons(report, SHARES[3]));
}

const fits = (report: Report): boolean => utf8Length(JSON.stringify(report)) <= REPORT_BYTES;

function withShortReasons<T>(value: T, bytes: number): T {
  return JSON.parse(JSON.stringify(value), (key, each: unknown) =>
    typeof each === 'string' && REASONS.has(key) ? truncate(each, bytes) : each,
  ) as T;
}

function withShortLists(report: Report): Report {
  const { heldBack, notHeldBack, notAsked, gone } = report;
  const names = (list: readonly string[]): readonly string[] => list.slice(0, NAMES);
  return {
    ...report,
    heldBack: heldBack.map(({ failures, targets, ...held }) => ({
      ...held,
      targets: names(targets),
      ...(failures === undefined ? {} : { failures: failures.slice(0, 1) }),
    })),
    notHeldBack: notHeldBack.slice(0, NAMES),
    notAsked: names(notAsked),
    gone: names(gone),
    targets: report.targets.map((target) => ({ ...target, logTail: null, logPath: null })),
  };
}
