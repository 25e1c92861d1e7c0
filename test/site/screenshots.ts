import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findBrowser, startBrowser } from '../support/browser.js';
import { lookName, LOOKS, siteOf } from './fleets.js';

/** Pictures of the site for people to look at: `node dist/test/site/screenshots.js FOLDER [HOSTS...]`, with Chromium on the PATH. */
const FLEETS = [0, 1, 6, 50, 300];

const [folder = 'screenshots', ...asked] = process.argv.slice(2);
const program = await findBrowser();
if (program === null) throw new Error('no Chromium on the PATH');
const browser = await startBrowser(program, []);
try {
  for (const hosts of asked.length === 0 ? FLEETS : asked.map(Number)) {
    const root = path.resolve(folder, `${hosts}-hosts`);
    await rm(root, { recursive: true, force: true });
    await mkdir(root, { recursive: true });
    for (const [name, address] of Object.entries(await siteOf(hosts, root))) {
      const page = await browser.open(address);
      for (const look of LOOKS) {
        await page.show(look);
        const file = path.join(root, `${name}-${lookName(look)}.png`);
        await writeFile(file, await page.picture());
        console.log(file);
      }
    }
  }
} finally {
  await browser.close();
}
