import { outcomesWords } from '../../model/caches/words.js';
import { oneLine, oneName } from '../../model/text/one-line.js';
import type { Report } from '../../model/report/data.js';
import { AT_REST, type ProgressView, type TargetView } from './view.js';

/** The last view of a run, once its report is there: what became of each target since the view before. */
export function closedView(before: ProgressView, report: Report): ProgressView {
  const targets = report.targets.map((target): TargetView => ({
    name: oneName(target.name),
    state: 'done',
    system: target.system,
    verdict: target.verdict,
    sameAsBase: target.sameAsBase,
    error: target.error === null ? null : oneLine(target.error, 500),
    seconds: target.seconds,
    ...AT_REST,
    caches: target.caches === undefined ? null : outcomesWords(target.caches),
    logPath: target.logPath,
  }));
  return { ...before, phase: 'closed', waitsFor: null, doing: null, problem: null, targets, outcome: report.outcome };
}
