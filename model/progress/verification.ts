import type { TargetProgress } from './progress.js';
import { logDetails, type ShownFailure } from '../report/log-details.js';
import { escapeMarkdown, formatSeconds, stripControl, truncate, utf8Length } from '../text/text.js';

/** Room for a workflow's current details in the Temporal UI, in bytes. */
const DETAILS_LIMIT_BYTES = 8 * 1024;
const LOGS_BYTES = 3 * 1024;

/** The table of a `verifyCandidate` workflow, as Markdown for the Temporal UI. */
export function verificationDetails(
  targets: readonly TargetProgress[],
  failures: readonly ShownFailure[] = [],
): string {
  const done = targets.filter((target) => target.state === 'done').length;
  const rows = targets.map((target) => {
    const state = target.verdict ?? target.state;
    const cells = [target.name, target.system ?? '', state, time(target.seconds), target.error ?? ''];
    return `| ${cells.map((cell) => escapeMarkdown(truncate(stripControl(cell).replace(/\s+/g, ' '), 160))).join(' | ')} |`;
  });
  const head = [
    `${done} of ${targets.length} targets done`,
    '',
    '| target | system | state | time | |',
    '| - | - | - | - | - |',
  ];
  const logs = logDetails(failures, LOGS_BYTES);
  return truncate([...head, ...rows].join('\n'), DETAILS_LIMIT_BYTES - utf8Length(logs)) + logs;
}

const time = (seconds: number | null): string => (seconds === null ? '' : formatSeconds(seconds));
