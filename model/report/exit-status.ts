import { hostsOf, isFailure, type Report, type ReportedTarget } from './data.js';

const isMissed = ({ brokenOnBase }: Report, { verdict, required, name }: ReportedTarget, strict: boolean): boolean =>
  verdict !== 'built' && required && (strict || !brokenOnBase.includes(name));

/** True when at least one host was verified, none has another closure than on base, and none is gone. */
const noClosureDiffers = (report: Report): boolean =>
  report.gone.length === 0 &&
  hostsOf(report).length > 0 &&
  hostsOf(report).every((target) => target.sameAsBase === true);

/** Whether an input stays although it was asked to move. */
const isIncomplete = ({ heldBack, unfetched }: Report): boolean => heldBack.length > 0 || unfetched.length > 0;

/**
 * Exit status of `lockkeeper update`: 0 changed, 1 error, 2 lock unchanged, 3 no closure differs, 4 rejected, expired or superseded. A
 * target that was broken before is not an error of this run.
 * @param strict whether inputs that were held back or not updated, and targets that were broken before, are errors
 */
export function exitStatus(report: Report, strict = false): number {
  if (report.parts !== undefined && report.outcome !== 'cancelled') {
    if (isFailure(report.outcome) || (strict && isIncomplete(report))) return 1;
    return statusOfParts(report.parts.map((part) => (strict ? part.strictExitStatus : part.exitStatus)));
  }
  switch (report.outcome) {
    case 'landed':
    case 'verified':
      if (report.targets.some((target) => isMissed(report, target, strict))) return 1;
      if (strict && isIncomplete(report)) return 1;
      return noClosureDiffers(report) ? 3 : 0;
    case 'unchanged':
      return strict && isIncomplete(report) ? 1 : 2;
    case 'rejected':
    case 'expired':
    case 'superseded':
      return 4;
    case 'broken':
    case 'cancelled':
    case 'failed':
      return 1;
  }
}

/** The first of these that one of them has: an error counts most, then that something changed. */
const statusOfParts = (statuses: readonly number[]): number =>
  [1, 0, 3, 4].find((status) => statuses.includes(status)) ?? 2;
