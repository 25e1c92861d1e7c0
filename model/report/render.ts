import type { Report } from './data.js';
import { renderMarkdown } from './markdown.js';
import { renderText } from './text.js';

export { reportJson } from './json.js';

/**
 * A report as people read it. Everything in it that comes from outside is stripped of control characters, and is code in
 * Markdown.
 * @param format `text` for terminals, `md` for pull requests and the Temporal UI
 * @param options.full whether a terminal is shown all packages that the report has
 * @param options.limit most bytes of Markdown
 */
export function renderReport(
  report: Report,
  format: 'text' | 'md',
  {
    color = false,
    full = false,
    limit,
  }: { readonly color?: boolean; readonly full?: boolean; readonly limit?: number | undefined } = {},
): string {
  return format === 'md' ? renderMarkdown(report, limit) : renderText(report, color, full ? Infinity : undefined);
}
