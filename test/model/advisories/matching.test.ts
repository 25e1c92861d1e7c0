import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAffected } from '../../../model/advisories/affected.js';
import type { Advisory } from '../../../model/advisories/advisory.js';
import {
  limitVulnerabilities,
  packagesToCheck,
  versionedPackages,
  vulnerabilityChange,
} from '../../../model/closure/vulnerabilities.js';
import type { VulnerabilityChange } from '../../../model/advisories/vulnerability.js';
import { createHash } from 'node:crypto';
import { baseScore4 } from '../../../model/advisories/cvss4.js';
import { baseScore } from '../../../model/advisories/cvss.js';
import { readNvd } from '../../../model/advisories/nvd.js';
import { readOsv } from '../../../model/advisories/osv.js';
import { productsBy, type Product } from '../../../model/advisories/products.js';
import { readProducts, readWhitelist, type Suppression } from '../../../model/advisories/whitelist.js';
import { vulnerabilityWords } from '../../../model/advisories/words.js';
import type { ClosurePath } from '../../../model/closure/closure.js';
import { utf8Length } from '../../../model/text/text.js';
import { nvd, osv } from '../../support/advisories.js';

const read = (element: unknown): readonly Advisory[] => (readNvd(element) ?? readOsv(element))?.advisories ?? [];
const affects = (element: unknown, version: string): boolean =>
  read(element).some((advisory) => isAffected(version, advisory));

test('bounds of the NVD are as it says them, and exact versions have their update', () => {
  const below = nvd('CVE-2026-1', 'curl', { versionStartIncluding: '8.0', versionEndExcluding: '8.5.0' });
  assert.deepEqual(
    ['7.9', '8.0', '8.4.99', '8.5.0-rc1', '8.5.0', '8.10'].map((version) => affects(below, version)),
    [false, true, true, true, false, false],
  );
  const between = nvd('CVE-2026-2', 'curl', { versionStartExcluding: '1.0.2', versionEndIncluding: '1.0.2k' });
  assert.deepEqual(
    ['1.0.2', '1.0.2a', '1.0.2k', '1.0.2l'].map((version) => affects(between, version)),
    [false, true, true, false],
  );
  const exact = nvd('CVE-2026-3', 'openssh', {}, { version: '9.3', update: 'p1' });
  assert.deepEqual([affects(exact, '9.3p1'), affects(exact, '9.3p2'), affects(exact, '9.3')], [true, false, false]);
  assert.equal(affects(nvd('CVE-2026-4', 'curl', {}, { version: '-' }), '1'), false);
  assert.equal(affects(nvd('CVE-2026-4', 'curl', {}), '1'), true);
});

test('what is rejected, withdrawn, about another system or only a platform is left out', () => {
  assert.deepEqual(readNvd(nvd('CVE-2026-1', 'curl', {}, { status: 'Rejected' }))?.advisories, []);
  assert.deepEqual(readOsv({ ...osv('GHSA-1', 'curl'), withdrawn: '2026-01-01T00:00:00Z' })?.advisories, []);
  assert.deepEqual(read(nvd('CVE-2026-1', 'git', {}, { vulnerable: false })), []);
  assert.deepEqual(read(nvd('CVE-2026-1', 'git', {}, { system: 'jenkins' })), []);
  assert.deepEqual(read(nvd('CVE-2026-1', 'python', {}, { platform: 'microsoft:windows' })), []);
  assert.equal(read(nvd('CVE-2026-1', 'python', {}, { platform: 'linux:linux_kernel' })).length, 1);
  for (const odd of [null, 3, 'x', [], {}, { cve: {} }, { cve: { id: 'CVE-1', configurations: [{ nodes: 7 }] } }])
    assert.deepEqual(read(odd), []);
});

test('the severity of a vector of CVSS 3 is its base score, as the specification has it', () => {
  for (const [vector, score] of [
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', 9.8],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H', 10],
    ['CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N', 6.1],
    ['CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O', 7.8],
    ['CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N', 5.9],
    ['CVSS:3.1/AV:L/AC:H/PR:L/UI:N/S:C/C:H/I:N/A:N', 5.6],
    ['CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N', 2.4],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N', 0],
    ['CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', null],
    ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/C:H/I:H/A:H', null],
    ['CVSS:3.1/AV:constructor/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', null],
    ['', null],
  ] as const)
    assert.equal(baseScore(vector), score, vector);
  const rated = (more: object): readonly unknown[] => {
    const [advisory] = read({ ...osv('GHSA-1', 'curl'), database_specific: {}, ...more });
    return [advisory?.severity, advisory?.score];
  };
  const severity = [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }];
  assert.deepEqual(rated({ severity }), ['critical', 9.8]);
  assert.deepEqual(rated({ severity, database_specific: { severity: 'MODERATE' } }), ['medium', 9.8]);
  assert.deepEqual(rated({ severity: 'high' }), ['unknown', null]);
  const both = [
    ...severity,
    { type: 'CVSS_V4', score: 'CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N' },
  ];
  assert.deepEqual(rated({ severity: both }), ['high', 8.8]);
});

test('the severity of a vector of CVSS 4 is its base score, as the specification has it', () => {
  // Of the examples and the calculator of FIRST.
  for (const [vector, score] of [
    ['AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H', 10],
    ['AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 9.3],
    ['AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 7.3],
    ['AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 7.7],
    ['AV:N/AC:L/AT:N/PR:N/UI:P/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N', 0],
    ['AV:N/AC:L/AT:N/PR:N/UI:P/VC:H/VI:L/VA:N/SC:H/SI:H/SA:H', 8.6],
    ['AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U/CR:L', 9.3],
    ['AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N', null],
    ['AV:X/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', null],
    ['AV:/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', null],
  ] as const)
    assert.equal(baseScore4(`CVSS:4.0/${vector}`), score, vector);
  // Each vector of exploitability beside some of impact, digested from what ae-cvss-calculator 1.0.13 gives.
  const scores = all([
    'AV:NALP',
    'AC:LH',
    'AT:NP',
    'PR:NLH',
    'UI:NPA',
    'VC:HL',
    'VI:HN',
    'VA:HN',
    'SC:HL',
    'SI:LN',
    'SA:N',
  ]);
  const digest = createHash('sha256').update(scores.map((each) => String(baseScore4(`CVSS:4.0/${each}`))).join());
  assert.equal(digest.digest('hex').slice(0, 16), 'de2a14f55d14a341');
});

/** Vectors with each combination of values of some metrics. */
const all = ([first = '', ...rest]: readonly string[]): readonly string[] => {
  const [name = '', values = ''] = first.split(':');
  const own = Array.from(values, (value) => `${name}:${value}`);
  return rest.length === 0 ? own : own.flatMap((one) => all(rest).map((each) => `${one}/${each}`));
};

test('ranges of OSV begin and end with their events; versions before a release are before it', () => {
  const element = osv('PYSEC-1', 'requests', {
    ecosystem: 'PyPI',
    events: [{ introduced: '0' }, { fixed: '2.0' }, { introduced: '3.0a2' }, { last_affected: '3.1' }],
  });
  assert.deepEqual(
    ['1', '2.0rc1', '2.0', '2.5', '3.0a1', '3.0b1', '3.1', '3.1.1', 'v1.9'].map((version) => affects(element, version)),
    [true, true, false, false, false, true, true, false, true],
  );
  const listed = osv('PYSEC-2', 'requests', { ecosystem: 'PyPI', events: [], versions: ['1.0', '1.2'] });
  assert.deepEqual(
    ['1.0', '1.1', '1.2'].map((version) => affects(listed, version)),
    [true, false, true],
  );
  const semver = osv('GHSA-2', 'x', { events: [{ introduced: '1.0.0' }, { fixed: '1.2.0' }] });
  assert.deepEqual(
    ['1.0.0-beta.2', '1.0.0', '1.2.0-rc.1', '1.2.0+build'].map((version) => affects(semver, version)),
    [false, true, true, false],
  );
});

const path = (name: string, version: string, patched?: readonly string[]): ClosurePath => ({
  path: `/nix/store/${name}-${version}`,
  narSize: 1,
  name: { name, version, output: 'out' },
  ...(patched !== undefined && { patched }),
});

function compare(
  before: readonly ClosurePath[],
  after: readonly ClosurePath[],
  elements: readonly unknown[],
  more: {
    readonly products?: unknown;
    readonly exact?: ReadonlyMap<string, readonly Product[]>;
    readonly suppressions?: readonly Suppression[];
  } = {},
): Extract<VulnerabilityChange, { kind: 'checked' }> {
  const products = productsBy(readProducts(more.products ?? {}), more.exact);
  const advisories = new Map<string, Advisory[]>();
  for (const advisory of elements.flatMap(read))
    advisories.set(advisory.product, [...(advisories.get(advisory.product) ?? []), advisory]);
  const packages = packagesToCheck(versionedPackages(before, after), products);
  const setting = { products, suppressions: more.suppressions ?? [], day: '2026-11-29' };
  const found = vulnerabilityChange(packages, advisories, setting);
  return { kind: 'checked', newest: '2026-11-28T00:00:00.000Z', stale: false, warnings: [], ...found };
}

const ids = ({ fixed, introduced }: ReturnType<typeof compare>): readonly [readonly string[], readonly string[]] => [
  fixed.map(({ id }) => id),
  introduced.map(({ id }) => id),
];

test('only what differs is told: kernel, curl, a copy that stays, a patch, and one of two databases', () => {
  const kernel = nvd('CVE-2026-10', 'linux_kernel', { versionEndExcluding: '6.12.30' }, { vendor: 'linux', part: 'o' });
  const always = nvd('CVE-2026-11', 'linux_kernel', {}, { vendor: 'linux', part: 'o' });
  const fresh = nvd('CVE-2026-12', 'curl', { versionStartIncluding: '8.5' }, { vendor: 'haxx', score: 7.5 });
  const again = osv('OSV-1', 'curl', { ecosystem: 'OSS-Fuzz', aliases: ['CVE-2026-12'] });
  const change = compare(
    [path('linux', '6.12.24'), path('curl', '8.4'), path('same', '1')],
    [path('linux', '6.12.30'), path('curl', '8.5'), path('same', '1')],
    [kernel, always, fresh, again, nvd('CVE-2026-13', 'same', {})],
  );
  assert.deepEqual(ids(change), [['CVE-2026-10'], ['CVE-2026-12']]);
  assert.deepEqual(change.introduced[0], {
    ...{ id: 'CVE-2026-12', aliases: [], severity: 'high', score: 7.5, tier: 'mapped', package: 'curl' },
    ...{ before: ['8.4'], after: ['8.5'] },
  });
  assert.equal(vulnerabilityWords(change)[0], 'Known vulnerabilities: 1 fixed, 1 new (high) (data of 2026-11-28)');
  const old = path('curl', '8.4');
  const open = nvd('CVE-2026-14', 'curl', { versionEndExcluding: '8.5' }, { vendor: 'haxx' });
  assert.deepEqual(ids(compare([old], [old, path('curl', '8.6')], [open])), [[], []], 'the old copy is still there');
  assert.deepEqual(ids(compare([old], [path('curl', '8.4', ['CVE-2026-14'])], [open])), [['CVE-2026-14'], []]);
});

test('ids of one vulnerability are one, also where it goes and comes by another name', () => {
  const ghsa = osv('GHSA-aaaa', 'requests', { ecosystem: 'PyPI', aliases: ['PYSEC-1'], events: [{ introduced: '2' }] });
  const pysec = osv('PYSEC-1', 'requests', { ecosystem: 'PyPI', events: [{ introduced: '0' }, { fixed: '2' }] });
  const name = 'python3.13-requests';
  assert.deepEqual(ids(compare([path(name, '1')], [path(name, '3')], [ghsa, pysec])), [[], []]);
  assert.deepEqual(ids(compare([path(name, '1')], [], [ghsa, pysec])), [['PYSEC-1'], []]);
});

test('tiers: the table, the owner’s own table, and the name alone, which other databases do not have', () => {
  const other = nvd('CVE-2026-20', 'git', {}, { vendor: 'jenkins' });
  const hub = nvd('CVE-2026-21', 'hub', {}, { vendor: 'jetbrains' });
  const change = compare([], [path('git', '2'), path('hub', '1')], [other, hub, osv('GHSA-3', 'hub')]);
  assert.deepEqual(
    change.introduced.map(({ id, tier }) => [id, tier]),
    [['CVE-2026-21', 'name']],
  );
  assert.deepEqual([change.counts.introduced, change.counts.unsureIntroduced], [0, 1]);
  assert.match(vulnerabilityWords(change)[0], /0 fixed, 0 new, by name only 0 fixed and 1 new/);
  const owned = compare([], [path('hub', '1')], [hub], { products: { hub: 'jetbrains:hub' } });
  assert.deepEqual([owned.counts.introduced, owned.introduced[0]?.tier], [1, 'mapped']);
  assert.deepEqual(productsBy(new Map())('python3.13-Foo_Bar')[0], {
    ...{ origin: 'pypi', product: 'foo-bar', tier: 'mapped' },
  });
});

test('a whitelist of vulnix hides until its day; an entry that would hide all is refused', () => {
  const open = nvd('CVE-2026-30', 'curl', {}, { vendor: 'haxx' });
  const counted = (table: unknown): readonly number[] => {
    const suppressions = readWhitelist(table);
    const { counts } = compare([], [path('curl', '8.4')], [open], { suppressions });
    return [counts.introduced, counts.suppressed];
  };
  const cve = ['CVE-2026-30'];
  assert.deepEqual(counted({ curl: { cve } }), [0, 1]);
  assert.deepEqual(counted({ 'curl-8.4': { cve, until: '2026-11-29' } }), [0, 1]);
  assert.deepEqual(counted({ '*': { cve, until: '2026-11-28' } }), [1, 0]);
  assert.deepEqual(counted({ 'curl-8.5': { cve } }), [1, 0]);
  assert.throws(() => readWhitelist({ curl: { comment: 'x' } }), /"curl" names no vulnerability/);
  assert.throws(() => readWhitelist({ curl: { cve, until: 'soon' } }), /"until" of "curl" is not a date/);
  assert.throws(() => readProducts({ curl: 'haxx' }), /"curl" has no product/);
});

test('what travels is bounded, the worst first, and the counts stay', () => {
  const many = Array.from({ length: 2000 }, (_, index) =>
    nvd(`CVE-2026-${10_000 + index}`, 'curl', {}, { vendor: 'haxx', score: index === 1234 ? 9.8 : 5 }),
  );
  const change = compare([], [path('curl', '8')], many);
  const cut = limitVulnerabilities(change, 8192);
  assert.equal(cut.kind, 'checked');
  assert.ok(utf8Length(JSON.stringify(cut)) <= 8192);
  assert.ok(cut.introduced.length > 20);
  assert.equal(cut.introduced[0]?.id, 'CVE-2026-11234');
  assert.equal(cut.counts.introduced, 2000);
});
