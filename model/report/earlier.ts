import type { Report, ReportedInput } from './data.js';

/** What reports of earlier versions may lack. */
type Later =
  | ('advice' | 'fixes' | 'heldBack' | 'letGo' | 'brokenOnBase' | 'notHeldBack' | 'notAsked')
  | ('waiting' | 'gone' | 'closedRequests' | 'channels');

/** A report as this or an earlier version wrote it. */
export interface StoredReport extends Omit<Report, Later | 'inputs'>, Partial<Pick<Report, Later>> {
  readonly inputs: readonly (Omit<ReportedInput, 'nestedMoves'> & Partial<Pick<ReportedInput, 'nestedMoves'>>)[];
}

/** The one door for stored reports: what an earlier version did not know of did not happen. */
export const completeReport = ({ inputs, ...stored }: StoredReport): Report => ({
  ...{ advice: [], fixes: [], heldBack: [], letGo: [], brokenOnBase: [], notHeldBack: [], notAsked: [] },
  ...{ waiting: [], gone: [], closedRequests: [], channels: [] },
  ...stored,
  inputs: inputs.map((input) => ({ nestedMoves: [], ...input })),
});
