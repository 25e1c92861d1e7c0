import path from 'node:path';
import { makeSite } from '../../host/site.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import type { Look } from '../support/browser.js';
import { keepReports, pastOf } from '../support/report-history.js';

const UNTIL = Date.parse('2026-11-21T02:00:00Z');

/** As wide as a telephone, a tablet and a screen, light and dark; and on paper. */
export const LOOKS: readonly Look[] = [
  ...[400, 800, 1400].flatMap((width) =>
    (['light', 'dark'] as const).map((scheme): Look => ({ width, scheme, media: 'screen' })),
  ),
  { width: 800, scheme: 'dark', media: 'print' },
];

export const lookName = ({ width, scheme, media }: Look): string => `${width}-${media === 'print' ? media : scheme}`;

/**
 * Makes the site of a fleet that had a run each night of four weeks; one of a single host has no trouble.
 * @returns addresses of its pages, by what they are
 */
export async function siteOf(hosts: number, root: string): Promise<Readonly<Record<string, string>>> {
  const state = stateDirectory(path.join(root, 'state'));
  const site = path.join(root, 'site');
  const reports = hosts === 0 ? [] : pastOf({ hosts, runs: 28, until: UNTIL, troubled: hosts > 1 });
  await keepReports(state.reports, [
    ...reports,
    ...(hosts > 6 ? pastOf({ hosts: 2, runs: 5, until: UNTIL, instance: 'home', troubled: false }) : []),
  ]);
  await makeSite(state, site, { now: UNTIL + 6 * 3_600_000 });
  const last = reports.at(-1);
  return {
    index: `file://${site}/index.html`,
    ...(last === undefined ? {} : { run: `file://${site}/runs/${encodeURIComponent(last.run)}.html` }),
  };
}
