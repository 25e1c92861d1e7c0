import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TargetChange } from '../../../model/closure/closure.js';
import { renderReport, reportJson } from '../../../model/report/render.js';
import { exampleReport, exampleTarget } from '../../support/report.js';

const packages = Array.from({ length: 60 }, (_, index) => ({
  name: `package${index}`,
  kind: 'up' as const,
  before: ['1.0'],
  after: ['1.1'],
  sizes: [1000, 1000] as const,
}));

const change = (more: Partial<Extract<TargetChange, { kind: 'compared' }>> = {}): TargetChange => ({
  kind: 'compared',
  switching: { reboot: ['kernel', 'initrd'], refuses: ['dbus-implementation'] },
  sizes: [2 * 1024 ** 3, 2.5 * 1024 ** 3],
  counts: { up: 400, added: 1, rebuilt: 1200 },
  packages: [
    { name: 'linux', kind: 'up', before: ['6.12.24'], after: ['6.12.30'], sizes: [1e6, 2e6] },
    { name: 'new', kind: 'added', before: [], after: ['3'], sizes: [0, 2048], selected: true },
    ...packages,
  ],
  configuration: 14,
  ...more,
});

const report = exampleReport({
  targets: [
    exampleTarget('alpha', { closure: change() }),
    exampleTarget('beta', { closure: change() }),
    exampleTarget('gamma', { closure: { kind: 'no-base', size: 4096 } }),
    exampleTarget('delta', { sameAsBase: true }),
  ],
});

test('the text form tells what changes once of all hosts with the same change: sizes, reboot, ten packages, how many more', () => {
  const text = renderReport(report, 'text');
  assert.match(
    text,
    /\nWhat changes on alpha, beta\n {2}2\.5 GiB \(\+512\.0 MiB\): 400 up, 1 added, 1200 rebuilt, 14 settings\n/,
  );
  assert.match(
    text,
    /\n {2}will refuse to switch \(dbus-implementation\): reboot instead\n {2}needs a reboot: new kernel, initrd\n/,
  );
  assert.match(text, /\n {4}linux {5}6\.12\.24 → 6\.12\.30 {2}\+976\.6 KiB\n {4}new {7}added 3 {12}\+2\.0 KiB\n/);
  assert.match(
    text,
    /\n {4}package7 {2}1\.0 → 1\.1\n {4}and 391 other packages, 1200 packages rebuilt with the same version\n/,
  );
  assert.doesNotMatch(text, /package8/);
  assert.match(text, /\nWhat changes on gamma\n {2}4\.0 KiB: not compared, because /);
  assert.doesNotMatch(text, /What changes on .*delta/);
});

test('Markdown folds each change, and stays below its room whatever the number of hosts', () => {
  const markdown = renderReport(report, 'md');
  assert.match(markdown, /<details>\n<summary>What changes on <code>alpha, beta<\/code>: 2\.5 GiB/);
  assert.match(markdown, /\| `linux` \| `6\.12\.24 → 6\.12\.30` \| \+976\.6 KiB \|/);
  assert.match(markdown, /\n\*\*needs a reboot: new kernel, initrd\*\*\n/);
  const targets = Array.from({ length: 300 }, (_, index) =>
    exampleTarget(`host${index}`, { closure: change({ counts: { up: index + 10 } }) }),
  );
  const large = renderReport(exampleReport({ targets }), 'md');
  assert.match(large, /\nand 2\d\d more hosts that change\n/);
  assert.ok(Buffer.byteLength(large) < 64 * 1024);
});

test('names and versions from outside break none of the forms', () => {
  const evil = '`|</details>\u001b[2J\u202e@team #12\n';
  const hostile = change({
    packages: [{ name: evil, kind: 'up', before: [evil], after: ['2'], sizes: [1, 2] }],
    switching: { reboot: [], refuses: [evil] },
  });
  const hostileReport = exampleReport({ targets: [exampleTarget('alpha', { closure: hostile })] });
  for (const form of ['text', 'md'] as const) {
    const rendered = renderReport(hostileReport, form);
    assert.doesNotMatch(rendered, /\p{Cf}|(?!\n)\p{Cc}/u);
    assert.equal(rendered.match(/^<\/details>$/gm)?.length ?? 0, form === 'md' ? 1 : 0);
  }
  assert.match(renderReport(hostileReport, 'md'), /refuse to switch \(\\`\\\|&lt;\/details&gt;@&#8203;team/);
});

test('JSON has the whole change, and null where there is none', () => {
  const { targets } = reportJson(report) as { targets: { closure: object | null }[] };
  assert.deepEqual(targets[0]?.closure, change());
  assert.deepEqual(targets[2]?.closure, { kind: 'no-base', size: 4096 });
  assert.equal(targets[3]?.closure, null);
});
