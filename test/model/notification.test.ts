import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldForSources } from '../../model/report/new-sources.js';
import { ntfyMessage } from '../../model/notify/ntfy.js';
import { orgEntry } from '../../model/notify/org.js';
import { needsLook, type Outcome } from '../../model/report/data.js';
import { reportJson } from '../../model/report/json.js';
import { renderMarkdown } from '../../model/report/markdown.js';
import { renderText } from '../../model/report/text.js';
import { brokenTarget, exampleReport, nestedReport } from '../support/report.js';

const AT = '2025-12-04T13:17:00.000Z';
const message = (outcome: Outcome) => ntfyMessage('finished', exampleReport({ outcome }), { topic: 't', at: AT });

test('each outcome has its priority and tags', () => {
  const expected: readonly [Outcome, number, string][] = [
    ['landed', 3, 'white_check_mark,flake'],
    ['verified', 2, 'test_tube,flake'],
    ['unchanged', 2, 'information_source,flake'],
    ['broken', 4, 'x,flake,warning'],
    ['failed', 4, 'x,flake,warning'],
    ['expired', 4, 'x,flake,warning'],
  ];
  for (const [outcome, priority, tags] of expected) {
    assert.equal(message(outcome).priority, priority, outcome);
    assert.equal(message(outcome).tags.join(','), tags, outcome);
  }
});

test('an input that is held back for too long makes a good end urgent, and an entry of its own', () => {
  const report = exampleReport({
    startedAt: '2026-11-25T03:00:00.000Z',
    heldBack: [
      { input: 'zfs', targets: ['web'], reason: 'is broken', since: '2026-11-01T03:00:00.000Z', overdue: true },
    ],
  });
  const { priority, title, message: text } = ntfyMessage('finished', report, { topic: 't', at: AT });
  assert.equal(priority, 4);
  assert.match(title, /^⏰ /u);
  assert.match(text, /^zfs ⏰ held back: since 2026-11-01, too long; breaks web: is broken$/mu);
  assert.match(orgEntry(report, AT, 'UTC'), /^\* TODO .*, zfs held back for too long$/m);
});

test('a run that holds everything back is heard the first time, and is silent while it stays so', () => {
  const startedAt = '2026-11-25T03:00:00.000Z';
  const priority = (since: string): number => {
    const heldBack = [{ input: 'nixpkgs', targets: ['web'], reason: 'is broken', since }];
    const report = exampleReport({ outcome: 'unchanged', startedAt, heldBack });
    return ntfyMessage('finished', report, { topic: 't', at: AT }).priority;
  };
  assert.deepEqual([priority(startedAt), priority('2026-11-24T03:00:00.000Z')], [3, 2]);
});

test('an input that would fetch from elsewhere is in the first lines, and is an entry the first time', () => {
  const startedAt = '2026-11-25T03:00:00.000Z';
  const to = { revision: 'b'.repeat(40), short: 'bbbbbbbb', date: null };
  const sources = ["path:/srv/it's <mine>"];
  const held = heldForSources({ name: 'alpha', sources, from: null, to, compareUrl: null });
  const of = (since: string) => exampleReport({ outcome: 'unchanged', startedAt, heldBack: [{ ...held, since }] });
  const report = of(startedAt);
  const first =
    "alpha is held back: its new revision would fetch from path:/srv/it's <mine>, where it did not fetch from before. " +
    "If that is meant, accept it with --allow-source 'path:/srv/it'\\''s <mine>' (allowSources).";
  const { priority, message: text } = ntfyMessage('finished', report, { topic: 't', at: AT });
  assert.equal(text.split('\n')[0], first);
  assert.equal(priority, 3);
  assert.equal(ntfyMessage('waiting', report, { topic: 't', at: AT }).message.split('\n')[0], first);
  assert.equal(renderText(report, false).split('\n')[1]?.trim(), first);
  assert.match(
    renderMarkdown(report).split('\n').slice(0, 6).join('\n'),
    /^\*\*alpha is held back: .*&lt;mine&gt;.*\*\*$/m,
  );
  assert.ok(orgEntry(report, AT, 'UTC').includes(`  : ${first}\n`));
  assert.deepEqual([needsLook(report), needsLook(of('2026-11-24T03:00:00.000Z'))], [true, false]);
  const [json] = reportJson(report).heldBack as { newSources: unknown }[];
  assert.deepEqual(json?.newSources, sources);
});

test('a run in which only nested inputs moved tells the first of them, with buttons to compare them', () => {
  const { message: text, actions = [] } = ntfyMessage('waiting', nestedReport(), { topic: 't', at: AT });
  assert.match(text, /\nhome: stays at 11111111, only nested inputs moved\n· home\/n0: 11111111 → 22222222\n/);
  assert.match(text, /\n· home\/n2: .*\n· and 4 more\n/);
  assert.deepEqual(
    actions.map(({ url }) => url),
    [0, 1, 2].map((n) => `https://example.org/n${n}/compare`),
  );
});

test('an approval request is urgent and carries the command to type', () => {
  const request = ntfyMessage('waiting', exampleReport(), { topic: 't', at: AT });
  assert.equal(request.priority, 4);
  assert.match(request.message, /lockkeeper approve update-fleet-20261121-093015\n/);
  assert.match(request.message, /b{40}/);
});

test('the last line tells one occurrence of an event from another', () => {
  const last = (...args: Parameters<typeof ntfyMessage>) =>
    ntfyMessage(...args)
      .message.split('\n')
      .at(-1);
  const report = exampleReport();
  const later = { topic: 't', at: '2025-12-05T13:17:00.000Z' };
  assert.equal(last('finished', report, { topic: 't', at: AT }), last('finished', report, later));
  assert.notEqual(last('reminder', report, { topic: 't', at: AT }), last('reminder', report, later));
  assert.notEqual(last('waiting', report, later), last('waiting', exampleReport({ head: 'c'.repeat(40) }), later));
});

test('a message fits into what ntfy takes as one, mark and all', () => {
  const targets = Array.from({ length: 300 }, (_, index) =>
    brokenTarget(`${'h'.repeat(100)}${index}`, { error: 'é'.repeat(900) }),
  );
  const { message: text } = ntfyMessage('finished', exampleReport({ outcome: 'broken', targets }), {
    topic: 't',
    at: AT,
  });
  assert.ok(Buffer.byteLength(text) <= 4096);
  assert.match(text, /\nRun update-fleet-20261121-093015, finished$/);
});

test('an org entry is a TODO with the time of its zone and the id of its run', () => {
  const report = exampleReport({ outcome: 'broken', targets: [brokenTarget('gamma')] });
  const lines = orgEntry(report, AT, 'Europe/Paris').split('\n');
  assert.match(lines[0] ?? '', /^\* TODO \S.*gamma/);
  assert.deepEqual(lines.slice(1, 5), [
    ':PROPERTIES:',
    ':CREATED: [2025-12-04 Thu 14:17]',
    ':LOCKKEEPER_RUN: update-fleet-20261121-093015',
    ':END:',
  ]);
});

test('text from outside begins no heading, time stamp, tag or block in an org file', () => {
  const evil = 'x\n* TODO other <2026-01-01 Thu> :tag:\n#+begin_src sh\n:END:';
  const entry = orgEntry(
    exampleReport({
      outcome: 'broken',
      error: evil,
      repository: evil,
      instance: evil,
      run: evil,
      targets: [brokenTarget(evil, { error: evil, logTail: evil })],
    }),
    AT,
    'UTC',
  );
  const [heading = '', ...rest] = entry.trimEnd().split('\n');
  assert.doesNotMatch(heading, /[<>]|:$/);
  assert.ok(
    rest.slice(4).every((line) => line.startsWith('  : ')),
    entry,
  );
  assert.equal(entry.split('\n').filter((line) => line.startsWith('*')).length, 1);
});
