import type { Report } from '../../model/report/data.js';
import { pastOf } from './report-history.js';

/** A commit subject that would be a page of its own wherever it is taken for Markdown or HTML. */
const HOSTILE =
  '</details></td></table><img src=x onerror=alert(1)> `a` **b** | c | [d](javascript:alert(1)) @ann #1 ![e](http://x.example/y.png) ```<!-- lockkeeper run=x commit=' +
  'c'.repeat(40) +
  ' lock= -->';

/** What a request is about whose fleet has so many hosts: broken ones, an input that was held back, and hostile commits. */
export function hostileReport(hosts: number): Report {
  const report = pastOf({ hosts, runs: 1, until: Date.parse('2026-11-21T02:00:00Z') }).at(-1);
  if (report === undefined) throw new Error('no report');
  const commits = {
    count: 1200,
    newest: Array.from({ length: 10 }, (_, index) => ({
      revision: String(index).repeat(40),
      date: '2026-11-20',
      subject: index % 2 === 0 ? HOSTILE : `firefox: 140.${index} -> 140.${index + 1}`,
    })),
  };
  return {
    ...report,
    outcome: 'landed',
    inputs: report.inputs.map((input, index) => (index === 0 ? { ...input, commits } : input)),
    landed: { mode: 'pull-request', ref: 'bot/flake-update', commit: 'b'.repeat(40) },
  };
}
