import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findBrowser, startBrowser } from '../support/browser.js';
import { lookName, LOOKS, siteOf } from './fleets.js';

const program = await findBrowser();

/** Texts whose contrast on their ground is below 4.5 to 1, and what is wider than the page. */
const FAULTS = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((each, index) => each * a + below[index] * (1 - a));
  const light = (colour) => colour
    .map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (element) =>
    element === null ? [255, 255, 255] : over(channels(getComputedStyle(element).backgroundColor), ground(element.parentElement));
  const contrast = (one, other) => {
    const [bright, dark] = [light(one), light(other)].sort((a, b) => b - a);
    return (bright + 0.05) / (dark + 0.05);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const faults = new Set();
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() === '' || !element.checkVisibility()) continue;
    const below = ground(element);
    const style = getComputedStyle(element);
    const colour = element instanceof SVGElement ? style.fill : style.color;
    const reached = contrast(over(channels(colour), below), below);
    if (reached < 4.5) faults.add(reached.toFixed(2) + ' ' + element.tagName + '.' + element.className + ' ' + colour);
  }
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) faults.add('wider than the page: ' + scrollWidth + ' of ' + clientWidth);
  return [...faults];
})()`;

test(
  'the site and the page of a run can be read: no text is paler than 4.5 to 1, and nothing is wider than the page',
  { skip: program === null && 'no Chromium on the PATH' },
  async () => {
    const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-looks-'));
    const browser = await startBrowser(program ?? '', []);
    try {
      for (const hosts of [0, 50]) {
        for (const [name, address] of Object.entries(await siteOf(hosts, path.join(root, String(hosts))))) {
          const page = await browser.open(address);
          assert.match(String(await page.run('getComputedStyle(document.body).fontFamily')), /sans-serif/);
          for (const look of LOOKS) {
            await page.show(look);
            assert.deepEqual(await page.run(FAULTS), [], `${name} of ${hosts} hosts, ${lookName(look)}`);
          }
        }
      }
    } finally {
      await browser.close();
      await rm(root, { recursive: true, force: true });
    }
  },
);
