import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackageChange, TargetChange } from '../../../model/closure/closure.js';
import type { VulnerabilityChange } from '../../../model/advisories/vulnerability.js';
import { limitChange, limitChanges, roomForClosure } from '../../../model/closure/limit.js';
import { listEach, shareEqual } from '../../../model/closure/share.js';
import { changeGroups } from '../../../model/report/changes.js';
import { reportJson } from '../../../model/report/json.js';
import { renderMarkdown } from '../../../model/report/markdown.js';
import { renderText } from '../../../model/report/text.js';
import { exampleReport, exampleTarget } from '../../support/report.js';

const packages = (salt: string, count = 300): readonly PackageChange[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `package-${salt}-${index}`,
    kind: 'up',
    before: ['1.0'],
    after: ['1.1'],
    sizes: [1000, 2000],
  }));

const change = (salt: string, size = 2000): TargetChange & { readonly kind: 'compared' } => ({
  kind: 'compared',
  switching: { reboot: [], refuses: [] },
  sizes: [1000, size],
  counts: { up: 300 },
  packages: packages(salt),
  configuration: 1,
});

const host = (name: string, closure: TargetChange) => exampleTarget(name, { closure });

test('equal packages are carried once, and each host has its own again for those who read them', () => {
  const targets = [
    host('a', change('x')),
    host('b', change('x', 4000)),
    host('c', change('y')),
    host('d', change('x')),
  ];
  const shared = shareEqual(targets, ({ name }) => name);
  assert.deepEqual(
    shared.map(({ closure }) => closure?.kind === 'compared' && [closure.packages.length, closure.sameAs]),
    [
      [300, undefined],
      [0, 'a'],
      [300, undefined],
      [0, 'a'],
    ],
  );
  assert.deepEqual(listEach(shared), targets);
  const report = exampleReport({ targets: shared });
  assert.deepEqual(
    changeGroups(report).map(({ hosts }) => hosts),
    [['a', 'b', 'd'], ['c']],
  );
  const { targets: json } = JSON.parse(JSON.stringify(reportJson(report))) as { targets: { closure: TargetChange }[] };
  assert.deepEqual(json[1]?.closure, targets[1]?.closure);
  const text = renderText(report, false);
  assert.match(text, /and \d+ other packages/);
  assert.doesNotMatch(renderText(report, false, Infinity), /other packages/);
  assert.match(text, /What changes on a, b, d\n {2}2\.0 KiB to 3\.9 KiB \(\+1000 B, \+2\.9 KiB\): 300 up, 1 setting\n/);
  assert.equal(text.split('package-x-0 ').length, 2);
  assert.equal(renderMarkdown(report).split('package-x-0`').length, 2);
});

test('what is listed by a target that a report lost is only counted', () => {
  const lost = { ...change('x'), packages: [], sameAs: 'gone' };
  const report = exampleReport({ targets: [host('a', lost)] });
  assert.match(renderText(report, false), /and 300 other packages/);
});

test('a hundred hosts with as many different changes of 24 KiB stay below 1 MiB, and as many equal ones take the room of one', () => {
  const names = Array.from({ length: 100 }, (_, index) => `host${index}`);
  assert.ok(JSON.stringify(change('00')).length > 24 * 1024);
  const limited = names.map((name) => ({ name, closure: limitChange(change(name), roomForClosure(names.length)) }));
  const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
  assert.ok(bytes(limited) < 2 ** 20, `${bytes(limited)} bytes`);
  const equal = shareEqual(
    names.map((name) => ({ name, closure: change('x') })),
    ({ name }) => name,
  );
  assert.ok(bytes(equal) < 60 * 1024, `${bytes(equal)} bytes`);
  assert.deepEqual(limitChanges(equal), equal, 'nothing has to be cut for it');
});

test('vulnerabilities are carried once with the packages, and keep hosts apart that differ in them', () => {
  const found = (id: string): VulnerabilityChange => ({
    ...{ kind: 'checked', newest: '2026-11-01T00:00:00.000Z', stale: true, warnings: ['a.json: <it ends>'] },
    counts: { fixed: 0, introduced: 1, unsureFixed: 1, unsureIntroduced: 0, suppressed: 0 },
    introduced: [{ ...VULNERABILITY, id, tier: 'mapped', package: 'curl' }],
    fixed: [{ ...VULNERABILITY, id: 'CVE-2026-2', tier: 'name', package: 'hub|`x`' }],
  });
  const targets = [
    host('a', { ...change('x'), vulnerabilities: found('CVE-2026-1') }),
    host('b', { ...change('x'), vulnerabilities: found('CVE-2026-1') }),
    host('c', { ...change('x'), vulnerabilities: found('CVE-2026-9') }),
  ];
  const shared = shareEqual(targets, ({ name }) => name);
  assert.deepEqual(
    shared.map(({ closure }) => closure?.kind === 'compared' && closure.vulnerabilities !== undefined),
    [true, false, true],
  );
  assert.deepEqual(listEach(shared), targets);
  const report = exampleReport({ targets: shared });
  const text = renderText(report, false);
  assert.match(
    text,
    /What changes on a, b\n.*\n {2}Known vulnerabilities: 0 fixed, 1 new \(high\), by name only 1 fixed/,
  );
  assert.match(
    text,
    /older than 7 days\n {2}a\.json: <it ends>\n {4}new {2}CVE-2026-1 {2}high 7\.5 {2}curl {2}8\.4 → 8\.5 {2}by table\n/,
  );
  assert.ok(!text.includes('CVE-2026-2'));
  const markdown = renderMarkdown(report);
  assert.match(markdown, /\| new \| `CVE-2026-1` \| high 7\.5 \| `curl` \| `8\.4 → 8\.5` \|/);
  assert.match(markdown, /Perhaps: matched by name only<\/summary>/);
  assert.ok(!markdown.includes('<it ends>'));
});

const VULNERABILITY = {
  severity: 'high',
  ...{ aliases: [], score: 7.5, before: ['8.4'], after: ['8.5'] },
} as const;
