import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Vulnerability, VulnerabilityChange } from '../../../model/advisories/vulnerability.js';
import type { ClosureChange, TargetChange } from '../../../model/closure/closure.js';
import { renderHtml } from '../../../model/report/html/report-page.js';
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

test('text, Markdown and page list the known vulnerabilities that come and go, also where only derivations are compared', () => {
  const each = (id: string, tier: 'mapped' | 'name'): Vulnerability => ({
    ...{ id, aliases: [], severity: 'high', score: 7.5, tier, package: 'curl' },
    ...{ before: ['8.4'], after: ['8.5'] },
  });
  const vulnerabilities: VulnerabilityChange = {
    ...{ kind: 'checked', newest: '2026-11-28T00:00:00.000Z', stale: false, warnings: [] },
    counts: { fixed: 40, introduced: 1, unsureFixed: 1, unsureIntroduced: 0, suppressed: 0 },
    fixed: [
      ...Array.from({ length: 40 }, (_, index) => each(`CVE-2026-1${index}`, 'mapped')),
      each('CVE-2026-3', 'name'),
    ],
    introduced: [each('CVE-2026-2', 'mapped')],
  };
  const list = { ...change(), vulnerabilities } as ClosureChange;
  for (const closure of [list, { kind: 'no-base', size: 4096, derivations: list }] as readonly TargetChange[]) {
    const told = exampleReport({ targets: [exampleTarget('alpha', { closure })] });
    for (const form of [renderReport(told, 'text'), renderReport(told, 'md'), renderHtml(told)]) {
      assert.match(form, /Known vulnerabilities: 40 fixed, 1 new \(high\), by name only 1 fixed and 0 new/);
      assert.match(form, /CVE-2026-2\b/);
    }
    assert.match(renderReport(told, 'md'), /\n\nand 11 more\n\n<details>\n<summary>Perhaps/);
    // Also without unfolding anything.
    assert.match(renderReport(told, 'md'), /\n\|.*`alpha`.*, new vulnerabilities \|/);
    assert.match(renderHtml(told), /<summary>(?:(?!<\/summary>).)*Known vulnerabilities: 1 new \(high\).*<\/summary>/);
    assert.match(renderHtml(told), /<summary>Perhaps: matched by name only<\/summary>.*CVE-2026-3\b/s);
  }
});
