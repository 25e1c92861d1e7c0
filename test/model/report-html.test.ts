import assert from 'node:assert/strict';
import type { TargetChange } from '../../model/closure/closure.js';
import type { Tier } from '../../model/advisories/products.js';
import type { Vulnerability } from '../../model/advisories/vulnerability.js';
import type { ChannelLook } from '../../model/channels/look.js';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { factsOf, sizeHistory, sizesOf, summaryOf } from '../../model/report/facts.js';
import { markup } from '../../model/report/html/markup.js';
import { renderHtml } from '../../model/report/html/report-page.js';
import { renderRuns, renderSite } from '../../model/report/html/site-page.js';
import { installationOf } from '../../model/report/installation.js';
import { renderReport, reportJson } from '../../model/report/render.js';
import { printableJson } from '../../model/text/text.js';
import { installed } from '../../host/installation.js';
import { brokenTarget, exampleReport, exampleTarget } from '../support/report.js';

const MIB = 1024 ** 2;

const vulnerability = (text: string, tier: Tier): Vulnerability => ({
  ...{ id: text, aliases: [text], severity: 'high', score: 7.5, tier, package: text, before: [text], after: [text] },
});

/** A report in which every text from outside is the same. */
function reportOf(text: string, { line = text, url = 'https://example.org/compare' } = {}): Report {
  const broken = { error: text, failedDrv: text, logPath: text, logTail: `${line}\n${line}`, machine: text };
  return exampleReport({
    ...{ run: text, instance: text, repository: text, outcome: 'broken', error: text, nothingVerified: text },
    inputs: [
      {
        ...{ name: text, kind: 'git', from: text, to: `${text}2`, fromDate: '2026-11-01', toDate: '2026-11-20' },
        compareUrl: url,
        commits: { count: 12, newest: [{ revision: text, date: text, subject: text }] },
        nested: [text],
        nestedMoves: [{ path: text, from: text, to: `${text}2`, fromDate: null, toDate: null, compareUrl: url }],
      },
    ],
    inputGroup: [text],
    unfetched: [{ name: text, reason: text }],
    fixes: [
      {
        ...{ target: text, commit: null },
        attempts: [
          {
            ...{ number: 1, outcome: 'refused', reason: text, seconds: 3, machine: text, logPath: text },
            ...{ sandboxed: true, files: [text] },
          },
        ],
      },
    ],
    heldBack: [
      {
        ...{ input: text, targets: [text], reason: text, logPath: text, revision: text, newRevision: `${text}2` },
        ...{ compareUrl: url, newSources: [text], since: '2026-10-01T00:00:00.000Z', overdue: true },
        failures: [{ target: text, ...broken, error: text }],
      },
    ],
    letGo: [{ input: text, since: '2026-10-01T00:00:00.000Z' }],
    notHeldBack: [{ target: text, reason: text }],
    targets: [
      brokenTarget(text, { ...broken, system: text }),
      exampleTarget(`${text}2`, {
        closure: {
          kind: 'compared',
          ...{ sizes: [MIB, 2 * MIB], counts: { up: 1, rebuilt: 2 }, configuration: 1 },
          packages: [{ name: text, kind: 'up', before: [text], after: [text], sizes: [1, 2] }],
          switching: { reboot: [], refuses: [text] },
          vulnerabilities: {
            ...{ kind: 'checked', newest: text, stale: true, warnings: [text] },
            counts: { fixed: 1, introduced: 1, unsureFixed: 0, unsureIntroduced: 1, suppressed: 1 },
            fixed: [vulnerability(text, 'exact')],
            introduced: [vulnerability(text, 'mapped'), vulnerability(text, 'name')],
          },
        },
      }),
      exampleTarget(`${text}3`, {
        closure: {
          ...{ kind: 'no-base', size: MIB, buildError: text },
          derivations: {
            ...{ sizes: [0, 0], counts: { added: 1 }, configuration: 0 },
            packages: [{ name: text, kind: 'added', before: [], after: [text], sizes: [0, 0] }],
            vulnerabilities: { kind: 'not-checked', reason: text },
          },
        },
      }),
      brokenTarget(text, { ...broken, kind: 'gate' }),
    ],
    waiting: [{ name: text, cooldown: 86_400, movesTo: text, newer: 2 }],
    advice: [
      { kind: 'release', input: text, release: text, newest: text, supportedUntil: text },
      { kind: 'copies', input: text, copies: 2, paths: [text], line: text },
      { kind: 'still', input: text, date: text },
    ],
    channels: [{ target: text, branch: text, outcome: 'not-moved', from: text, to: text, reason: text }],
    ...{ notAsked: [text], gone: [text] },
    required: [text],
    landed: { mode: 'branch', ref: text, commit: text, insteadOf: { branch: text, reason: text } },
    approval: { decision: 'rejected', by: text, commit: text, comment: text },
    failuresInRow: { count: 3, alarm: true, paused: true },
    notifications: [{ notifier: 'ntfy', event: text, ok: false, error: text }],
    ...{ leftOut: [text], ignoredNixConfig: [text] },
  });
}

/** Everything that has a meaning in one of the forms; nothing in it may have one. */
const EVIL_LINE =
  '\u001b[31m\u001b]0;title\u0007\u009b2J</pre></td></script><script>alert(1)</script><img src=x onerror=alert(1)>' +
  '"\' onmouseover="x" `` ``` | [a](javascript:alert(1)) @team fixes #12 &lt;&#60; \u202eesrever\u2066 \u05d0\u05d1\u05d2 ${x} -->';
const EVIL = `${EVIL_LINE}\r\n\n# heading\n- item\n\u2028<h1>`;

/** Tags of a page in their order, each with the names of its attributes. Refuses a page that is not well formed. */
function tagsOf(page: string): readonly string[] {
  const style = /<style>[^<]*<\/style>/;
  const tags: string[] = [];
  const open: string[] = [];
  const rest = page
    .replace(style, '')
    .replace(
      /<(\/?)([a-z][a-z0-9]*)((?: [a-z-]+(?:="[^"<>]*")?)*) ?(\/?)>/gi,
      (_, end: string, tag: string, attributes: string, closed: string) => {
        if (end === '/') assert.equal(open.pop(), tag);
        else if (closed === '' && !['meta'].includes(tag)) open.push(tag);
        tags.push(`${end}${tag}${attributes.replace(/="[^"]*"/g, '')}`);
        return '';
      },
    );
  assert.deepEqual(open, []);
  assert.doesNotMatch(rest.replace('<!doctype html>', ''), /[<>]/);
  return tags;
}

/** What the beginnings of lines make of Markdown; what is in a fence makes nothing. */
function blocksOf(markdown: string): readonly string[] {
  const blocks: string[] = [];
  let fence: string | null = null;
  for (const line of markdown.split('\n')) {
    const found: string | undefined = /^`{3,}(?=[^`]*$)/.exec(line)?.[0];
    if (fence === null)
      blocks.push(found === undefined ? (/^(?:#+ |- |\| |<\/?[a-z]+|$)/.exec(line)?.[0] ?? 'text') : 'fence');
    if (fence === null) fence = found ?? null;
    else if (line === fence) fence = null;
  }
  assert.equal(fence, null);
  return blocks;
}

test('hostile text changes the structure of none of the four forms of a report', () => {
  const [hostile, plain] = [reportOf(EVIL, { line: EVIL_LINE }), reportOf('word')];
  // eslint-disable-next-line no-control-regex -- that there is none is the point
  const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

  const html = renderHtml(hostile, { up: '../index.html' });
  assert.deepEqual(tagsOf(html), tagsOf(renderHtml(plain, { up: '../index.html' })));
  const text = renderReport(hostile, 'text');
  assert.equal(text.split('\n').length, renderReport(plain, 'text').split('\n').length);
  const markdown = renderReport(hostile, 'md');
  assert.deepEqual(blocksOf(markdown), blocksOf(renderReport(plain, 'md')));
  const json = printableJson(reportJson(hostile));
  assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(reportJson(hostile))));
  for (const form of [html, text, markdown, json]) assert.doesNotMatch(form, steering);
});

test('names of 200 characters and lines of 10 MB make no form of a report large or slow', () => {
  const name = 'n'.repeat(200);
  const long = 'x'.repeat(10 * MIB);
  const report = exampleReport({
    outcome: 'broken',
    landed: null,
    error: long,
    inputs: exampleReport().inputs.map((input) => ({ ...input, name })),
    targets: [brokenTarget(name, { error: long, logTail: long }), exampleTarget(`${name}2`)],
  });
  const began = performance.now();
  for (const form of [renderHtml(report), renderReport(report, 'text'), renderReport(report, 'md')])
    assert.ok(form.length < 64 * 1024, String(form.length));
  assert.ok(performance.now() - began < 10_000);
});

test('a page holds one style, which its policy names, and no way to anything else', () => {
  const report = reportOf('word', { url: 'javascript:alert(1)' });
  const page = renderHtml(report);
  const style = /<style>([^<]*)<\/style>/.exec(page)?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  assert.ok(
    page.includes(
      `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`.replaceAll(
        "'",
        '&#39;',
      ),
    ),
  );
  assert.doesNotMatch(page, /<script|<img|<iframe|style="| on[a-z]+=|href="(?!#)|url\(|@import/);
  assert.match(renderHtml(reportOf('word')), /<a href="https:\/\/example\.org\/compare" rel="noreferrer">compare<\/a>/);
});

test('text never passes for markup, whatever shape it has', () => {
  const shaped = JSON.parse('{"text":"<b>"}') as never;
  assert.throws(() => markup`${shaped}`, /object where a text should be/);
  assert.equal(
    markup`<a title="${'"><b>'}">${['<i>', markup`<b>ok</b>`, null, 3]}</a>`.text,
    '<a title="&quot;&gt;&lt;b&gt;">&lt;i&gt;<b>ok</b>3</a>',
  );
});

test('the page of a report is this one', async () => {
  const report = exampleReport({
    outcome: 'landed',
    targets: [
      exampleTarget('alpha', {
        closure: {
          kind: 'compared',
          ...{ sizes: [100 * MIB, 130 * MIB], counts: { up: 1, rebuilt: 2 }, configuration: 0 },
          packages: [{ name: 'linux', kind: 'up', before: ['6.12.24'], after: ['6.12.30'], sizes: [MIB, 2 * MIB] }],
          switching: { reboot: ['kernel'], refuses: [] },
        },
      }),
      brokenTarget('gamma', { required: false, logTail: 'one\ntwo' }),
    ],
    required: ['alpha'],
  });
  const sizes = sizeHistory([
    sizesOf({ ...report, targets: [exampleTarget('alpha', { closure: { kind: 'no-base', size: 90 * MIB } })] }),
  ]);
  const page = renderHtml(report, { sizes })
    .replace(/<style>[^<]*<\/style>/, '<style></style>')
    .replace(/sha256-[^&]*/, 'sha256-');
  const golden = installed('test/fixtures/reports/landed.html');
  if (process.env.LOCKKEEPER_WRITE_GOLDEN === '1') await writeFile(golden, page);
  assert.equal(page, await readFile(golden, 'utf8'));
});

const look = (repository: string): ChannelLook => ({
  ...{
    repository,
    mainBranch: 'main',
    template: 'tested-{host}',
    main: 'b'.repeat(40),
    at: '2026-11-21T07:00:00.000Z',
  },
  channels: [
    {
      ...{ branch: 'tested-beta', target: 'beta', commit: 'b'.repeat(40), committedAt: '2026-11-20T00:00:00.000Z' },
      ...{ behind: 0, why: null, since: null },
    },
    {
      ...{ branch: 'tested-alpha', target: 'alpha', commit: 'a'.repeat(40), committedAt: '2026-11-01T00:00:00.000Z' },
      ...{ behind: 3, why: 'alpha <broke>', since: '2026-11-16T07:00:00.000Z' },
    },
  ],
});

test('the first page says what needs a look, how each host stands and since when an input stays', () => {
  const run = (change: Partial<Report>) => {
    const report = exampleReport(change);
    return { page: `runs/${report.run}.html`, summary: summaryOf(report), facts: factsOf(report) };
  };
  const held = { input: 'hyprland', targets: ['alpha'], reason: 'no wlroots', since: '2026-11-01T00:00:00.000Z' };
  const runs = [
    run({
      run: 'c',
      startedAt: '2026-11-21T02:00:00.000Z',
      outcome: 'broken',
      landed: null,
      targets: [brokenTarget('alpha')],
      notAsked: ['beta'],
    }),
    run({
      run: 'b',
      startedAt: '2026-11-20T02:00:00.000Z',
      heldBack: [held],
      targets: [exampleTarget('alpha'), exampleTarget('beta'), exampleTarget('gone')],
    }),
    run({ run: 'a', startedAt: '2026-11-01T00:00:00.000Z', heldBack: [held] }),
  ];
  const installation = installationOf(runs, runs);
  const making = {
    at: Date.parse('2026-11-21T08:00:00Z'),
    unreadable: [{ file: 'x<y.json', reason: 'it is damaged' }],
    looks: [look(runs[0]?.summary.repository ?? ''), look('another-repository')],
  };
  const page = renderSite(installation, making);
  const words = page
    .replace(/<style>[^<]*<\/style>/, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
  tagsOf(page);
  tagsOf(renderRuns(installation, making));
  assert.match(words, /✘ 1 instance needs a look, 1 host broken/);
  assert.match(words, /alpha builder for alpha failed .* build failed last built: 30 h ago 6 h/);
  assert.match(words, /✔ beta built changed 30 h/);
  assert.doesNotMatch(words, /gone/);
  assert.match(words, /hyprland .* breaks alpha: no wlroots run of 2026-11-20 2026-11-01 20 days/);
  assert.match(words, /x&lt;y\.json : it is damaged/);
  assert.match(
    words,
    /Channels of \S+, as of 2026-11-21 07:00 UTC, when main was at bbbbbbbbbbbb .* ■ tested-alpha aaaaaaaaaaaa 3 commits behind alpha &lt;broke&gt; 5 days 20 days ✔ tested-beta bbbbbbbbbbbb at main/,
  );
  assert.doesNotMatch(words, /another-repository/);
  assert.match(renderSite(installationOf([], []), { ...making, unreadable: [] }), /No run has ended yet/);
});

test('of fifty hosts those that are built and need nothing are folded, on the page of a run and on the first page', () => {
  const fromCache = (...reboot: readonly string[]): TargetChange => ({
    ...{ kind: 'compared', from: 'cache', sizes: [MIB, MIB], counts: { up: 1 }, packages: [], configuration: 0 },
    switching: { reboot, refuses: [] },
  });
  const targets = Array.from({ length: 50 }, (_, index) => {
    if (index === 7) return brokenTarget('zeus');
    return exampleTarget(`host${index}`, { closure: index === 8 ? fromCache('kernel') : fromCache() });
  });
  const report = exampleReport({ targets });
  const html = renderHtml(report);
  assert.match(html, /<bdi>zeus<\/bdi>[^]*<details><summary>49 hosts built<\/summary>[^]*<bdi>host0<\/bdi>/);
  assert.doesNotMatch(renderHtml(exampleReport({ targets: targets.slice(0, 40) })), /hosts built<\/summary>/);
  const run = { page: 'runs/a.html', summary: summaryOf(report), facts: factsOf(report) };
  const site = renderSite(installationOf([run], [run]), {
    at: Date.parse(report.startedAt),
    unreadable: [],
    looks: [],
  });
  assert.match(
    site,
    /<bdi>zeus<\/bdi>[^]*<bdi>host8<\/bdi>[^]*<details><summary>48 hosts built that need nothing<\/summary>[^]*<bdi>host0<\/bdi>/,
  );
  assert.match(site, />! 1<\/strong> host that needs a reboot</);
});
