import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openTmux, type Size } from '../support/tmux.js';
import { missing } from '../support/tools.js';

const skip = missing('tmux');

const HOSTS = 60;

/** A run with more hosts than any of these terminals has rows, whose picture changes eight times a second. */
const draw = (milliseconds: number, size: Size, env: Readonly<Record<string, string>> = {}) =>
  openTmux(
    [process.execPath, path.join(import.meta.dirname, '../support/live-view.js'), `${HOSTS}`, `${milliseconds}`],
    size,
    { CI: '', ...env },
  );

const written = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.trim() !== '');

for (const size of [
  { columns: 80, rows: 24 },
  { columns: 20, rows: 5 },
  { columns: 200, rows: 12 },
]) {
  const where = `a terminal of ${size.rows} rows and ${size.columns} columns`;
  test(`the live view of more hosts than rows scrolls ${where} only to make room`, { skip }, async () => {
    await using tmux = await draw(1500, size);
    await tmux.shows(/verifying/);
    const drawn = await tmux.rows();
    assert.match(drawn[0] ?? '', /verifying/);
    assert.match(drawn.at(-2) ?? '', /^ {2}and \d+ at work$/);
    assert.equal(drawn.at(-1), '');
    await tmux.shows(/^.*landing/);
    assert.deepEqual(await tmux.history(), ['a line above']);
    await tmux.shows(/the report/);
    assert.deepEqual(written(await tmux.rows()), ['the report']);
    assert.deepEqual(await tmux.history(), ['a line above']);
  });
}

test('the live view is one picture also in a terminal that changes its size', { skip }, async () => {
  await using tmux = await draw(4000, { columns: 80, rows: 24 });
  await tmux.shows(/verifying/);
  for (const [columns, rows] of [
    [80, 10],
    [80, 30],
    [33, 30],
    [120, 12],
    [60, 24],
  ] as const) {
    await tmux.resize(columns, rows);
    await tmux.shows(new RegExp(`^.*(?:verifying|landing).*\n(?:.*\n){${rows - 3}} {2}and \\d+ at work\n$`));
    const drawn = await tmux.rows();
    assert.equal(drawn.filter((line) => /verifying|landing/.test(line)).length, 1, drawn.join('\n'));
  }
  await tmux.shows(/the report/);
  assert.deepEqual(written(await tmux.rows()), ['the report']);
  // What a terminal that became smaller has scrolled out stays out.
  const history = await tmux.history();
  assert.equal(history.filter((line) => line === 'a line above').length, 1, history.join('\n'));
  assert.ok(history.length <= 40, history.join('\n'));
});

test('a terminal that knows no sequences gets lines', { skip }, async () => {
  for (const TERM of ['dumb', 'unknown']) {
    await using tmux = await draw(200, { columns: 80, rows: 24 }, { TERM });
    await tmux.shows(/the report/);
    const lines = [...(await tmux.history()), ...(await tmux.rows())].join('\n');
    assert.match(lines, /0:00 {2}verifying\n.*0:00 {2}host0: building on forge\n/);
    assert.match(lines, /0:00 {2}landing\n.*0:00 {2}the remote does not answer\n/);
  }
});
