import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ReportedRequest } from '../../model/report/data.js';
import { createActivities } from '../../workers/activities.js';
import { findBrowser, startBrowser } from '../support/browser.js';
import { forgeWorlds } from '../support/forge-worlds.js';
import { giteaHasStyles } from '../support/gitea.js';
import { hostileReport } from '../support/hostile-requests.js';
import { activityEnvironment } from '../support/repository.js';
import { atEndOf, withFolder } from '../support/scope.js';

const program = await findBrowser();
/** Where pictures of the pages are put: `LOCKKEEPER_TEST_PICTURES=FOLDER node --test dist/test/forge/looks.test.js`. */
const pictures = process.env.LOCKKEEPER_TEST_PICTURES;
const isAsked = pictures !== undefined || process.env.LOCKKEEPER_TEST_FULL === '1';
const skip =
  forgeWorlds.gitea.missing ||
  (!giteaHasStyles && 'no styles of Gitea: run scripts/get-gitea again') ||
  (program === null && 'no Chromium on the PATH') ||
  (!isAsked && 'neither LOCKKEEPER_TEST_FULL nor LOCKKEEPER_TEST_PICTURES is set');
const options = { skip, timeout: 300_000 };

/** What is odd in the text of a request as a page shows it. */
const FAULTS = `(() => {
  const text = document.querySelector('.comment .render-content.markup');
  const faults = [];
  if (text === null) return ['no text'];
  for (const each of text.querySelectorAll('img, script, iframe, form, a[href^="javascript:"], a.mention, a.ref-issue'))
    faults.push('made of foreign text: ' + each.outerHTML);
  // In code, foreign text stands as it is.
  const prose = text.cloneNode(true);
  for (const each of prose.querySelectorAll('code')) each.remove();
  const shown = prose.textContent;
  const raw = /\\*\\*|\\|\\s*-{3}|<\\/?details|<\\/?summary|&#8203;|&(?:lt|gt|amp);|<!--/.exec(shown);
  if (raw !== null) faults.push('Markdown that is shown: ' + shown.slice(Math.max(0, raw.index - 60), raw.index + 60));
  if (text.querySelector('table') === null) faults.push('no table');
  for (const fold of text.querySelectorAll('details')) {
    if (fold.querySelector(':scope > summary') === null) faults.push('a fold without a title');
    fold.open = true;
  }
  // The menu above it is wider than a telephone without Gitea's scripts.
  const { scrollWidth, clientWidth } = text;
  if (scrollWidth > clientWidth) faults.push('wider than its place: ' + scrollWidth + ' of ' + clientWidth);
  return faults;
})()`;

test('the page of a request can be read on a real forge, whatever foreign text is in it', options, async (t) => {
  const world = await forgeWorlds.gitea.begin(t);
  const { forge, repository } = world;
  const { coordinator } = createActivities(activityEnvironment(await withFolder(t)));
  const browser = await startBrowser(program ?? '', []);
  atEndOf(t, () => browser.close());
  for (const hosts of [1, 6, 60]) {
    const branch = `bot/of-${hosts}`;
    const commit = await world.push(branch, true);
    const report = hostileReport(hosts);
    const about = { repository, forge, branch, commit, lock: null, labels: [], leftAlone: [], report };
    const { url } = await new MockActivityEnvironment().run((): Promise<ReportedRequest> => coordinator.propose(about));
    const page = await browser.open(url);
    for (const width of [400, 1400]) {
      await page.show({ width, scheme: 'light', media: 'screen' });
      const save = async (name: string): Promise<void> => {
        if (pictures === undefined) return;
        await mkdir(pictures, { recursive: true });
        await writeFile(path.join(pictures, `request-${hosts}-${width}${name}.png`), await page.picture());
      };
      if (width === 400) await page.run(`for (const each of document.querySelectorAll('details')) each.open = false`);
      await save('');
      assert.deepEqual(await page.run(FAULTS), [], `${hosts} hosts at ${width}`);
      await save('-open');
    }
    // Gitea's scripts are not built, and its page says so.
    assert.deepEqual([...new Set(page.dialogs.map((each) => each.slice(0, 26)))], ['Failed to load asset file ']);
  }
});
