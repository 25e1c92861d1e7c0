export const REPORT_FORMATS = ['text', 'md', 'html', 'json'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportRequest {
  readonly format: ReportFormat;
  /** File that it is written to; missing: standard output. */
  readonly output?: string;
  /** Whether all packages that change are shown, and not the first ones of each target. */
  readonly full?: boolean;
  /** Most bytes of Markdown. */
  readonly limit?: number;
  /** Whether a browser shows it. */
  readonly open?: true;
}
