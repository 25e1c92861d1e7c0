import { oneLine } from '../../model/one-line.js';
import type { Report } from '../../model/report.js';
import type { ProgressView, TargetView } from './view.js';

/** The last view of a run, once its report is there: what became of each target since the view before. */
export function closedView(before: ProgressView, report: Report): ProgressView {
  const targets = report.targets.map((target): TargetView => ({
    name: oneLine(target.name, 120),
    state: 'done',
    system: target.system,
    verdict: target.verdict,
    sameAsBase: target.sameAsBase,
    error: target.error === null ? null : oneLine(target.error, 500),
    seconds: target.seconds,
    startedAt: null,
    machine: null,
    done: 0,
    planned: 0,
    estimateSeconds: null,
    lastLine: null,
    trouble: null,
    logPath: target.logPath,
  }));
  return { ...before, phase: 'closed', waitsFor: null, problem: null, targets, outcome: report.outcome };
}
