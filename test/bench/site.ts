import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeSite } from '../../host/site.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import { keepReports, pastOf } from '../support/report-history.js';
import { seconds, type Figure } from './figures.js';

/** The site of 300 hosts and 1,000 runs: all of it made for the first time, and again when one more run has ended. */
export async function site(): Promise<readonly Figure[]> {
  const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-bench-site-'));
  try {
    const state = stateDirectory(path.join(root, 'state'));
    const past = pastOf({ hosts: 300, runs: 1001, until: Date.parse('2026-11-21T02:00:00Z') });
    const make = (): Promise<number> => seconds(() => makeSite(state, path.join(root, 'site')));
    await keepReports(state.reports, past.slice(0, 1000));
    const first = await make();
    await keepReports(state.reports, past.slice(1000));
    const again = await make();
    const detail = '300 hosts, 1,000 runs';
    return [
      { name: 'site made for the first time', value: first, limit: 5, unit: ' s', detail },
      { name: 'site made again after a run', value: again, limit: 1, unit: ' s', detail },
    ];
  } finally {
    await rm(root, { recursive: true });
  }
}
