import { execa } from 'execa';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeSite } from '../../host/site.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import { findBrowser } from '../support/browser.js';
import { keepReports, pastOf } from '../support/report-history.js';

/**
 * Pictures of the site for people to look at: `node dist/test/site/screenshots.js FOLDER [HOSTS...]`, with Chromium on the PATH. Each page
 * as wide as a telephone, a tablet and a screen, light and dark.
 */
const WIDTHS = [400, 800, 1400];
const SCHEMES = ['light', 'dark'] as const;
const UNTIL = Date.parse('2026-11-21T02:00:00Z');
const FLEETS = [0, 1, 6, 50, 300];

const [folder = 'screenshots', ...asked] = process.argv.slice(2);
const browser = await findBrowser();
if (browser === null) throw new Error('no Chromium on the PATH');

for (const hosts of asked.length === 0 ? FLEETS : asked.map(Number)) {
  const root = path.resolve(folder, `${hosts}-hosts`);
  await rm(root, { recursive: true, force: true });
  const state = stateDirectory(path.join(root, 'state'));
  const site = path.join(root, 'site');
  await mkdir(root, { recursive: true });
  const reports = hosts === 0 ? [] : pastOf({ hosts, runs: 28, until: UNTIL });
  await keepReports(state.reports, [
    ...reports,
    ...(hosts > 6 ? pastOf({ hosts: 2, runs: 5, until: UNTIL, instance: 'home', troubled: false }) : []),
  ]);
  await makeSite(state, site, { now: UNTIL + 6 * 3_600_000 });
  const last = reports.at(-1);
  const pages = [
    ['index', 'index.html'],
    ...(last === undefined ? [] : [['run', `runs/${encodeURIComponent(last.run)}.html`]]),
  ];
  for (const [name = '', page = ''] of pages)
    for (const width of WIDTHS)
      for (const scheme of SCHEMES)
        await picture(`file://${site}/${page}`, path.join(root, `${name}-${width}-${scheme}.png`), width, scheme);
}

async function picture(url: string, file: string, width: number, scheme: 'light' | 'dark'): Promise<void> {
  await execa(browser ?? '', [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--force-device-scale-factor=1'],
    ...(scheme === 'dark' ? ['--blink-settings=preferredColorScheme=0'] : ['--blink-settings=preferredColorScheme=1']),
    `--window-size=${width},2400`,
    `--screenshot=${file}`,
    url,
  ]);
  console.log(file);
}
