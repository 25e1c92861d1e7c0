#!/usr/bin/env node
/**
 * `npm test [-- PART...]`: runs the built tests whose path below test/ contains one of the PARTs (all of them without),
 * and ends with one line that counts. `npm test` does the set-up before.
 */
import console from 'node:console';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { ROOT } from './setup/steps.mjs';

/** Tests start servers and builds, and wait for them: three files at once keep two cores busy. */
const FILES_AT_ONCE = 3;
/** Where the files are that take minutes. They come first, so that none of them is alone at the end. */
const LONG = ['kill', 'run'];
/** The kill matrix alone takes half an hour when every cell is played. */
const FILE_TIMEOUT_MS = (process.env.LOCKKEEPER_TEST_FULL === '1' ? 90 : 10) * 60 * 1000;

const isLong = (file) => LONG.includes(file.split(path.sep)[0]);

const parts = process.argv.slice(2);
const folder = path.join(ROOT, 'dist', 'test');
const files = (await readdir(folder, { recursive: true }))
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
  .sort()
  .sort((one, other) => Number(isLong(other)) - Number(isLong(one)))
  .map((file) => path.join(folder, file));
if (files.length === 0) {
  console.error(`No test below ${folder}${parts.length === 0 ? '' : ` has ${parts.join(' or ')} in its path`}.`);
  process.exit(1);
}

// Tests use the Temporal CLI that the set-up found, wherever that was.
process.env.TEMPORAL_CLI ??= (await readFile(path.join(ROOT, '.cache', 'temporal-path'), 'utf8')).trim();

/** The runner's own counts; it gives them as texts (`pass 12`) at the end. */
const counts = { pass: 0, fail: 0, cancelled: 0, skipped: 0 };
const results = run({ files, concurrency: FILES_AT_ONCE, timeout: FILE_TIMEOUT_MS });
results.on('test:diagnostic', ({ message, nesting }) => {
  const [, name, count] = /^(\w+) (\d+)$/.exec(message) ?? [];
  if (nesting === 0 && name in counts) counts[name] = Number(count);
});
const output = results.compose(spec);
output.pipe(process.stdout);
output.on('end', () => {
  const failed = counts.fail + counts.cancelled;
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  console.log(`\n${counts.pass} passed, ${failed} failed${skipped}`);
  process.exitCode = failed === 0 && counts.pass > 0 ? 0 : 1;
});
