import type { Report, ReportedTarget } from '../data.js';
import { runPage } from '../page.js';
import { hitWords, isBroken, mitigation, missedTargets, verdictWords } from '../words.js';
import { oneLine, oneName } from '../../text/one-line.js';
import { truncate } from '../../text/text.js';

export interface CommitStatus {
  /** What it is of: the forge keeps the newest of each. */
  readonly context: string;
  readonly state: 'pending' | 'success' | 'failure' | 'error';
  /** In one line. */
  readonly description: string;
  /** Where there is more; missing when nowhere. */
  readonly page?: string;
}

const MOST = 50;
/** Of a description: GitHub takes no more. */
const DESCRIPTION_BYTES = 140;
/** Of an address: GitLab takes no longer one. */
const PAGE_LENGTH = 255;

/**
 * What is said of a commit: the sum of all required targets as `lockkeeper`, and each target as `lockkeeper/NAME`. Of more than 50
 * targets only the first 50 that were not built have their own, which are known at the end: until then, none has.
 * @param pending names of targets that are being verified
 * @param siteUrl web address of the site that has the report
 */
export function statusesOf(report: Report, pending: readonly string[] = [], siteUrl?: string): readonly CommitStatus[] {
  const { targets } = report;
  const unbuilt = pending.length > 0 ? [] : targets.filter(({ verdict }) => verdict !== 'built').slice(0, MOST);
  const shown = targets.length <= MOST ? targets : unbuilt;
  const isPending = ({ name }: ReportedTarget): boolean => pending.includes(name);
  const all = [
    pending.length === 0 ? sum(report) : status('lockkeeper', 'pending', PENDING),
    ...shown.map((target) =>
      isPending(target) ? status(contextOf(target), 'pending', PENDING) : ofTarget(report, target),
    ),
  ];
  const page = siteUrl === undefined ? undefined : `${siteUrl}/${runPage(report.run)}`;
  return page === undefined || page.length > PAGE_LENGTH ? all : all.map((each) => ({ ...each, page }));
}

function sum(report: Report): CommitStatus {
  if (report.outcome === 'failed' || report.outcome === 'cancelled')
    return status('lockkeeper', 'error', oneLine(report.error ?? report.outcome, DESCRIPTION_BYTES));
  const missed = missedTargets(report).length;
  return status('lockkeeper', missed === 0 ? 'success' : 'failure', hitWords(report).join(', '));
}

const PENDING = 'being verified';
const contextOf = ({ name }: ReportedTarget): string => `lockkeeper/${oneName(name)}`;

const ofTarget = (report: Report, target: ReportedTarget): CommitStatus =>
  status(
    contextOf(target),
    target.verdict === 'built' ? 'success' : isBroken(target) ? 'failure' : 'error',
    `${verdictWords(target)}${mitigation(report, target)}`,
  );

const status = (context: string, state: CommitStatus['state'], description: string): CommitStatus => ({
  context,
  state,
  description: truncate(description, DESCRIPTION_BYTES),
});
