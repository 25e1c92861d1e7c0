import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPayloadConverter } from '@temporalio/common';
import { painter } from '../../model/report/paint.js';
import { stillAt } from '../../client/progress/changes.js';
import { ciRenderer } from '../../client/progress/ci.js';
import { retryProblem } from '../../client/server/problems.js';
import { frame } from '../../client/progress/frame.js';
import { plainRenderer } from '../../client/progress/plain.js';
import { fraction } from '../../client/progress/row.js';
import { AT_REST, type ProgressView, type TargetView } from '../../client/progress/view.js';
import { width } from '../../client/progress/width.js';
import { renderText } from '../../model/report/text.js';
import { exampleReport, exampleTarget } from '../support/report.js';

const START = Date.parse('2026-11-21T09:30:00Z');
const COLOURED = { paint: painter(true), tick: 0, now: START + 90_000 };
const PLAIN = { paint: painter(false), tick: 0, now: START + 90_000 };

const target = (name: string, change: Partial<TargetView> = {}): TargetView => ({
  name,
  state: 'waiting',
  system: 'x86_64-linux',
  verdict: null,
  sameAsBase: null,
  error: null,
  seconds: null,
  ...AT_REST,
  logPath: null,
  ...change,
});

const building = (name: string, change: Partial<TargetView> = {}): TargetView =>
  target(name, { state: 'building', startedAt: START + 30_000, machine: 'forge', ...change });
const built = (name: string): TargetView => target(name, { state: 'done', verdict: 'built', seconds: 12.3 });
const broken = (name: string): TargetView =>
  target(name, { state: 'done', verdict: 'build-failed', seconds: 1, error: 'builder failed with exit code 7' });

const view = (targets: readonly TargetView[], change: Partial<ProgressView> = {}): ProgressView => ({
  run: 'update-fleet-20261121-093000',
  phase: 'verifying',
  waitsFor: null,
  doing: null,
  problem: null,
  base: null,
  head: 'f'.repeat(40),
  moved: [
    {
      name: 'nixpkgs',
      kind: 'github',
      from: { revision: 'a'.repeat(40), short: 'aaaaaaaa', date: '2026-11-01' },
      to: { revision: 'b'.repeat(40), short: 'bbbbbbbb', date: '2026-11-20' },
      compareUrl: null,
      nested: [],
    },
  ],
  unfetched: [],
  heldBack: [],
  mended: [],
  targets,
  approval: null,
  outcome: null,
  intent: 'will push branch flake-update-20261121 at example.org',
  startedAt: START,
  ...change,
});

test('a verdict is marked in the same way while a run goes on and in its report', () => {
  for (const verdict of ['built', 'evaluation-failed', 'build-failed', 'timed-out', 'skipped'] as const) {
    const live = frame(view([target('pi', { state: 'done', verdict })]), { columns: 120, rows: 30 }, COLOURED)[3] ?? '';
    const report = renderText(exampleReport({ targets: [exampleTarget('pi', { verdict })] }), true);
    const [, mark] = /^ {2}(\S+) pi/m.exec(report) ?? [];
    assert.ok(mark !== undefined && live.startsWith(`  ${mark} pi`), `${verdict}: ${live}`);
  }
});

test('a frame shows phase, elapsed time, what moved, and each target with bar and estimate', () => {
  const lines = frame(
    view([building('alpha', { estimateSeconds: 120, done: 3, planned: 9 }), built('beta'), broken('gamma')]),
    { columns: 120, rows: 30 },
    PLAIN,
  );
  assert.equal(lines[0], 'update-fleet-20261121-093000 · verifying · 2/3 done · 1 broken · 1:30');
  assert.equal(lines[1], '  nixpkgs aaaaaaaa → bbbbbbbb (2026-11-20)');
  assert.match(lines[3] ?? '', /alpha +building +1:00 of about 2:00 +━{9}─{9} +3\/9 derivations +forge/);
  assert.match(lines[4] ?? '', /✔ beta +built +12\.3 s/);
  assert.match(lines[5] ?? '', /✘ gamma +build failed +1\.0 s +builder failed with exit code 7/);
});

test('what is held back, and what an agent has fixed, is shown to those who decide', () => {
  const heldBack = [
    { input: 'web-stack', targets: ['rhea'], reason: 'builder failed with exit code 1' },
    { input: 'media', targets: [], reason: 'held back by ada' },
  ];
  const settled = view([built('rhea')], { heldBack, mended: ['kyushu'] });
  const words = [
    'web-stack held back: breaks rhea: builder failed with exit code 1',
    'media held back: held back by ada',
  ];
  const drawn = frame(settled, { columns: 120, rows: 30 }, PLAIN);
  assert.deepEqual(drawn.slice(2, 5), [...words.map((line) => `  ${line}`), '  fixed by an agent: kyushu']);
  const told = written((write) => plainRenderer(write, painter(false)), [view([built('rhea')]), settled, settled]);
  assert.deepEqual(
    told.slice(-3),
    [...words, 'kyushu fixed by an agent'].map((line) => ` ${line}`),
  );
});

test('a frame never has more lines or columns than the terminal, whatever their number', () => {
  const many = Array.from({ length: 60 }, (_, index) => {
    const name = `host-${index}-日本.example.org`;
    const long = { lastLine: 'x'.repeat(300), error: 'y'.repeat(300), estimateSeconds: 5, planned: 10 };
    return index % 3 === 0 ? building(name, long) : index % 3 === 1 ? broken(name) : built(name);
  });
  const full = view(many, { problem: 'no worker '.repeat(30), waitsFor: 'w'.repeat(200) });
  for (const columns of [1, 5, 10, 20, 39, 80, 132, 400]) {
    for (const rows of [1, 2, 3, 5, 10, 24, 100]) {
      const lines = frame(full, { columns, rows }, PLAIN);
      assert.ok(lines.length <= rows, `${lines.length} lines in ${rows}`);
      for (const line of lines) assert.ok(width(line) <= columns, `${width(line)} columns in ${columns}: ${line}`);
    }
  }
});

test('of a name that is too long both ends are shown, as the end often tells hosts apart', () => {
  const names = ['db', 'web'].map((end) => `nixos-cloud-europe-west-production-${end}`);
  const lines = frame(view(names.map(built)), { columns: 60, rows: 10 }, PLAIN);
  assert.deepEqual(
    lines.slice(3).map((line) => line.slice(4, 24)),
    ['nixos-clou…uction-db', 'nixos-clou…ction-web'],
  );
});

test('on a narrow terminal the state of the run is shown in place of its id', () => {
  assert.deepEqual(frame(view([]), { columns: 19, rows: 1 }, PLAIN), ['verifying · 1:30']);
});

test('what is at work and what is broken stays in sight when targets are folded', () => {
  const targets = [...Array.from({ length: 20 }, (_, index) => built(`done${index}`)), broken('bad'), building('busy')];
  const lines = frame(view(targets), { columns: 80, rows: 8 }, PLAIN);
  assert.ok(lines.some((line) => line.includes('bad')));
  assert.ok(lines.some((line) => line.includes('busy')));
  assert.match(lines.at(-1) ?? '', /and 18 done$/);
});

test('a build that takes longer than it used to is never shown as done', () => {
  assert.equal(fraction(building('a', { estimateSeconds: 10 }), START + 100_000), 0.99);
  assert.equal(fraction(building('a', { done: 1, planned: 4 }), START), 0.25);
  assert.equal(fraction(building('a'), START), null);
});

test('without colours no escape sequence is written', () => {
  const lines = frame(view([building('a'), broken('b')]), { columns: 80, rows: 20 }, PLAIN);
  assert.ok(!lines.join('').includes('\x1b'));
  const colours = frame(view([building('a')]), { columns: 80, rows: 20 }, { ...PLAIN, paint: painter(true) });
  assert.ok(colours.join('').includes('\x1b[36m'));
});

/** What a renderer writes for one view after the other. */
function written(
  make: (write: (line: string) => void) => { update(view: ProgressView): void },
  views: readonly ProgressView[],
) {
  const lines: string[] = [];
  const renderer = make((line) => lines.push(line.replace(/^ *\d+(:\d\d)+ {2}/, ' ')));
  for (const each of views) renderer.update(each);
  return lines;
}

const STORY = [
  view([], { phase: 'updating-lock', head: null, moved: [] }),
  view([target('alpha', { state: 'evaluating' }), target('beta')]),
  view([building('alpha', { estimateSeconds: 65 }), target('beta')]),
  view([building('alpha', { estimateSeconds: 65, done: 5 }), target('beta')]),
  view([built('alpha'), broken('beta')], { phase: 'landing', problem: 'no worker polls the queue' }),
];

test('what a build cannot reach is said when it is met, and in the line for long silences', () => {
  const trouble = 'a host name cannot be resolved: cache.example';
  const views = [
    view([building('alpha')]),
    view([building('alpha', { trouble })]),
    view([building('alpha', { trouble })]),
  ];
  const lines = written((write) => plainRenderer(write, painter(false)), views).map((line) => line.trim());
  assert.equal(lines.at(-1), `alpha: ${trouble}`);
  assert.equal(lines.filter((line) => line.includes(trouble)).length, 1);
  assert.match(stillAt(view([building('alpha', { trouble })])), /at work: alpha \(a host name .*cache\.example\)$/);
  const drawn = frame(view([building('alpha', { trouble, lastLine: 'last' })]), { columns: 160, rows: 9 }, PLAIN);
  assert.match(drawn.join('\n'), /cannot be resolved: cache\.example/);
});

test('plain output is one line for each change and none for what stays', () => {
  const lines = written((write) => plainRenderer(write, painter(false)), STORY).map((line) => line.trim());
  assert.deepEqual(lines, [
    'updating flake.lock',
    'verifying',
    'moved: nixpkgs aaaaaaaa → bbbbbbbb (2026-11-20)',
    'alpha: evaluating',
    'alpha: building on forge, about 1:05',
    'alpha: built after 12.3 s',
    'beta: build failed after 1.0 s: builder failed with exit code 7',
    'landing',
    'no worker polls the queue',
  ]);
});

test('that main has moved under an update is told', () => {
  const onto = (digit: string): ProgressView => view([], { base: digit.repeat(40), head: digit.repeat(40) });
  const lines = written((write) => plainRenderer(write, painter(false)), [onto('a'), onto('a'), onto('b')]);
  assert.deepEqual(
    lines.filter((line) => line.includes('main')),
    [' the main branch has moved to bbbbbbbbbbbb: the update was carried over'],
  );
});

test('in CI each phase is a log group, and a build cannot give the runner commands', () => {
  const lines = written(ciRenderer, [
    ...STORY,
    view([target('x', { state: 'evaluating' })], { waitsFor: '::set-env x ##[y]' }),
  ]);
  assert.equal(lines[0], '::group::updating flake.lock');
  assert.equal(lines[1], '::endgroup::');
  assert.equal(lines[2], '::group::verifying');
  const commands = lines.filter((line) => line.trimStart().startsWith('::') || line.includes('##['));
  assert.ok(
    commands.every((line) => /^::(group::[a-z .]+|endgroup::)$/.test(line)),
    commands.join('\n'),
  );
});

test('a step that is tried again says why, and how often it may', async () => {
  const lastFailure = { message: 'ENOSPC: no space left on device,\n copyfile' };
  assert.equal(
    await retryProblem([{ attempt: 1 }, { attempt: 3, maximumAttempts: 15, lastFailure }]),
    'ENOSPC: no space left on device, copyfile (tried again: attempt 3 of 15)',
  );
  assert.equal(await retryProblem([{ attempt: 1, maximumAttempts: 15, lastFailure: null }]), null);
});

test('a step that gives up before its retry policy does says after how many tries', async () => {
  const failed = (details: readonly unknown[], maximumAttempts: number): Promise<string | null> => {
    const payloads = details.map((detail) => defaultPayloadConverter.toPayload(detail));
    const lastFailure = { message: 'no answer', applicationFailureInfo: { details: { payloads } } };
    return retryProblem([{ attempt: 2, maximumAttempts, lastFailure }]);
  };
  assert.equal(await failed([{ tries: 3 }], 15), 'no answer (tried again: attempt 2 of 3)');
  assert.equal(await failed([{ tries: 8 }], 6), 'no answer (tried again: attempt 2 of 6)');
  assert.equal(await failed([{ tries: 3 }], 0), 'no answer (tried again: attempt 2 of 3)');
  for (const detail of [null, 'tries', { tries: 'many' }, { machine: 'here' }])
    assert.equal(await failed([detail], 15), 'no answer (tried again: attempt 2 of 15)');
});

test('of a run that is first seen late, the phase is told before what is done', () => {
  const lines = written((write) => plainRenderer(write, painter(false)), [view([built('alpha'), building('beta')])]);
  assert.deepEqual(
    lines.map((line) => line.trim().split(':')[0]),
    ['verifying', 'moved', 'alpha', 'beta'],
  );
});
