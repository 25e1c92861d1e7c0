import type { Report } from './report.js';
import { renderMarkdown } from './report/markdown.js';
import { renderText } from './report/text.js';

export { reportJson } from './report/json.js';
export { approvalCommands, runDetails } from './report/progress.js';

/**
 * A report as people read it. Everything in it that comes from outside is stripped of control characters, and is code in
 * Markdown.
 * @param format `text` for terminals, `md` for pull requests and the Temporal UI
 */
export function renderReport(
  report: Report,
  format: 'text' | 'md',
  options: { readonly color?: boolean } = {},
): string {
  return format === 'md' ? renderMarkdown(report) : renderText(report, options.color ?? false);
}
