import { runDirectoryName } from '../run/directory-name.js';

export const RUN_PAGES = 'runs';

/** Name of a run's report, without its ending. The times in ids of scheduled runs have colons, which are no harm in a name that is never on a PATH; ids of parts may have a `=`, and are longer. */
export const reportName = (run: string): string =>
  /^[A-Za-z0-9_][A-Za-z0-9._:=-]{0,239}$/.test(run) ? run : runDirectoryName(run);

/** Address of a run's page, below that of the site and relative to it. */
export const runPage = (run: string): string => `${RUN_PAGES}/${encodeURIComponent(`${reportName(run)}.html`)}`;
