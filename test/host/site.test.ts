import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { makeSite } from '../../host/site.js';
import { stateDirectory, type StateDirectory } from '../../model/machine/state-directory.js';
import { keepReports, pastOf } from '../support/report-history.js';
import { exampleReport } from '../support/report.js';

const UNTIL = Date.parse('2026-11-21T02:00:00Z');
const NOW = UNTIL + 6 * 3_600_000;

let root: string;
let state: StateDirectory;
let site: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-site-'));
  state = stateDirectory(path.join(root, 'state'));
  site = path.join(root, 'www');
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

const make = () => makeSite(state, site, { now: NOW });

test('a page for each run; what is the same is not written again, and a new run costs its own page', async () => {
  assert.equal((await make()).pages, 2);
  const past = pastOf({ hosts: 3, runs: 5, until: UNTIL });
  await keepReports(state.reports, past.slice(0, 4));
  assert.deepEqual(await make(), { directory: site, pages: 6, written: 6, removed: 0, unreadable: [] });
  assert.equal((await make()).written, 0);
  // Without what was kept of the last making, pages are made again, and found to be the same.
  await rm(path.join(site, '.lockkeeper-site.json'));
  assert.equal((await make()).written, 0);
  await keepReports(state.reports, past.slice(4));
  assert.equal((await make()).written, 3);
  assert.match(await readFile(path.join(site, 'index.html'), 'utf8'), /1 host broken/);
  const last = path.join(site, 'runs', `${past[4]?.run ?? ''}.html`);
  assert.match(await readFile(last, 'utf8'), /in 5 runs/);
  assert.deepEqual(
    (await readdir(path.join(site, 'runs'))).filter((name) => !name.endsWith('.html')),
    [],
  );
});

test('pages of runs that are gone are removed, and nothing else', async () => {
  await keepReports(state.reports, pastOf({ hosts: 1, runs: 2, until: UNTIL }));
  await make();
  const runs = path.join(site, 'runs');
  await writeFile(path.join(runs, 'mine.html'), '<!doctype html>\nmine');
  await writeFile(path.join(runs, 'notes.txt'), 'mine');
  // What a killed process had not put in its place.
  const unfinished = '.html.e157fdb0-6760-48f6-9ca2-d5cc2fedbb77.new';
  await writeFile(path.join(runs, `x${unfinished}`), '');
  await writeFile(path.join(site, `index${unfinished}`), '<!doctype');
  const [first = ''] = await readdir(state.reports);
  await rm(path.join(state.reports, first));
  assert.equal((await make()).removed, 1);
  assert.deepEqual((await readdir(site)).sort(), ['.lockkeeper-site.json', 'index.html', 'runs', 'runs.html']);
  assert.deepEqual((await readdir(runs)).sort(), [
    'mine.html',
    (await readdir(state.reports))[0]?.replace('.json', '.html'),
    'notes.txt',
  ]);
});

test('a report that is damaged is named and stops nothing, and one of an older version is shown', async () => {
  const { run, ...rest } = exampleReport();
  await keepReports(state.reports, [exampleReport()]);
  const put = (name: string, content: string) => writeFile(path.join(state.reports, name), content);
  await put('cut.json', JSON.stringify({ run, ...rest }).slice(0, 300));
  await put('other.json', '{"targets": 3}');
  await put('newer.json', JSON.stringify({ run, ...rest, outcome: 'postponed' }));
  await put('wrong.json', JSON.stringify({ run: 'wrong', ...rest, repository: 'r', leftOut: [{ a: 1 }] }));
  const made = await make();
  assert.deepEqual(made.unreadable.map(({ file }) => file).sort(), [
    'cut.json',
    'newer.json',
    'other.json',
    'wrong.json',
  ]);
  assert.equal(made.pages, 3);
  const index = await readFile(path.join(site, 'index.html'), 'utf8');
  assert.match(index, /<code>cut\.json<\/code>: it is damaged: it is not JSON/);
  assert.match(index, /4 reports could not be read/);
});

test('a folder that cannot be used is refused in one message, and what is in it stays', async () => {
  await writeFile(path.join(root, 'file'), '');
  await assert.rejects(
    makeSite(state, path.join(root, 'file')),
    /The site cannot be written to .*file.* Name a folder/,
  );
  await assert.rejects(makeSite(state, '/proc/nowhere/site'), /The site cannot be written to \/proc\/nowhere\/site/);
  await assert.rejects(
    makeSite(stateDirectory('/proc/x'), site),
    /The state directory \/proc\/x cannot be used: no folder can be/,
  );
  await mkdir(site);
  await writeFile(path.join(site, 'index.html'), '<h1>mine</h1>');
  await assert.rejects(make(), /index\.html is not a page that Lockkeeper made, and stays as it is\. Name a folder/);
  assert.equal(await readFile(path.join(site, 'index.html'), 'utf8'), '<h1>mine</h1>');
  await rm(site, { recursive: true });
  await make();
  await assert.rejects(
    makeSite(stateDirectory(path.join(root, 'another')), site),
    /holds the site of another state directory/,
  );
});

test('pages may be read by whoever may read the folder, whatever the umask, and what is kept beside them by nobody', async () => {
  await keepReports(state.reports, pastOf({ hosts: 1, runs: 1, until: UNTIL }));
  await mkdir(site);
  await chmod(site, 0o755);
  const before = process.umask(0o077);
  try {
    await make();
  } finally {
    process.umask(before);
  }
  const modeOf = async (name: string) => (await stat(path.join(site, name))).mode & 0o777;
  assert.deepEqual(
    [await modeOf('index.html'), await modeOf('runs'), await modeOf('.lockkeeper-site.json')],
    [0o644, 0o755, 0o600],
  );
});

test('several that make it at once make one site, and a reader sees whole pages only', async () => {
  const past = pastOf({ hosts: 20, runs: 12, until: UNTIL });
  await keepReports(state.reports, past.slice(0, 6));
  await make();
  const reader = { ended: false };
  const reading = (async () => {
    while (!reader.ended) assert.match(await readFile(path.join(site, 'index.html'), 'utf8'), /<\/html>\n$/);
  })();
  await keepReports(state.reports, past.slice(6));
  await Promise.all([make(), make(), makeSite(state, site, { now: NOW + 60_000 })]);
  reader.ended = true;
  await reading;
  assert.equal((await readdir(path.join(site, 'runs'))).length, 12);
  // A report that is replaced has its page replaced.
  const [name = ''] = await readdir(state.reports);
  await utimes(path.join(state.reports, name), 1, 1);
  assert.equal((await make()).removed, 0);
});
