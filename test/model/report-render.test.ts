import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ntfyMessage } from '../../model/notify/ntfy.js';
import { orgEntry } from '../../model/notify/org.js';
import { untouched, type RunProgress, type TargetProgress } from '../../model/progress/progress.js';
import { type ReportedTarget } from '../../model/report/data.js';
import { exitStatus } from '../../model/report/exit-status.js';
import { renderHtml } from '../../model/report/html/report-page.js';
import { renderReport, reportJson } from '../../model/report/render.js';
import { runDetails } from '../../model/progress/markdown.js';
import { brokenTarget, exampleReport, exampleTarget, nestedReport } from '../support/report.js';

const EVIL = 'x`y``|z\n# fixes #12 @team <script>\u001b[2J\u202e[a](http://evil)';

test('the text form says what moved, each verdict, where it landed and what the closure did', () => {
  const text = renderReport(exampleReport(), 'text');
  assert.match(text, /^✔ Landed {2}git@forge\.example:me\/fleet\n/);
  assert.match(text, /1 input moved · 2 of 2 hosts built/);
  assert.match(text, /on branch flake-update-20261121 \(bbbbbbbbbbbb\)/);
  assert.match(text, /nixpkgs {2}11111111 → 22222222 {2}2026-11-01 → 2026-11-20\n.*https:\/\/github\.com/);
  assert.match(text, /✔ alpha {10}x86_64-linux {2}built {2}changed {2}12 s/);
  assert.match(text, /✔ web@1\.example {2}x86_64-linux {2}built {2}same/);
});

test('each form says of nested inputs what moved from where to where, with a page to compare', () => {
  const text = renderReport(nestedReport(), 'text');
  assert.match(text, /home {2}stays at 11111111, only nested inputs moved/);
  assert.match(
    text,
    /\n {4}home\/n0 {2}11111111 → 22222222 {2}2026-11-01 → 2026-11-20\n {6}https:\/\/example\.org\/n0\/compare\n/,
  );
  assert.match(text, /\n {4}home\/n4 .*\n.*\n {4}and 2 more nested inputs\n/);

  const markdown = renderReport(nestedReport(), 'md');
  assert.match(
    markdown,
    /\| ↳ `home\/n6` \| `11111111 → 22222222` \| 2026-11-01 → 2026-11-20 \| \[compare\]\(https:\/\/example\.org\/n6\/compare\) \|/,
  );

  const { inputs } = reportJson(nestedReport()) as { inputs: { nested: string[]; nestedMoves: object[] }[] };
  assert.equal(inputs[0]?.nested.length, 7);
  assert.deepEqual(inputs[0].nestedMoves[6], {
    path: 'home/n6',
    from: '1'.repeat(40),
    to: '2'.repeat(40),
    fromDate: '2026-11-01',
    toDate: '2026-11-20',
    compareUrl: 'https://example.org/n6/compare',
    source: null,
  });
});

test('a nested input that comes from somewhere else is said before all others, with both sources', () => {
  const report = nestedReport();
  const source = { from: 'github:owner/a', to: 'github:other/a' };
  const [input, ...others] = report.inputs;
  const nestedMoves = input?.nestedMoves.map((each) => (each.path === 'home/n6' ? { ...each, source } : each)) ?? [];
  assert.ok(input);
  const repointed = { ...report, inputs: [{ ...input, nestedMoves }, ...others] };
  const words = ', now from github:other/a, not github:owner/a';
  assert.match(renderReport(repointed, 'text'), new RegExp(`home/n6 .*${words}.*\\n.*\\n.*home/n0`));
  assert.ok(renderReport(repointed, 'md').includes(words));
});

test('of many inputs those that have a nested input from somewhere else are shown, and how many of them there are', () => {
  const source = { from: 'github:owner/a', to: 'github:other/a' };
  const [input] = nestedReport().inputs;
  assert.ok(input);
  const plain = { ...input, nested: [], nestedMoves: [], to: '2'.repeat(40) };
  const many = Array.from({ length: 45 }, (_, n) => ({ ...plain, name: `plain-${n}` }));
  const nestedMoves = input.nestedMoves.map((each) => ({ ...each, source }));
  const report = { ...nestedReport(), inputs: [...many, { ...input, nestedMoves }] };
  const text = renderReport(report, 'text');
  assert.match(
    text,
    /plain-38 .*\n {2}home .*\n(?: {4}home\/n\d .*\n){5} {4}and 2 more from elsewhere\n {2}and 6 more inputs\n/,
  );
  assert.doesNotMatch(text, /plain-39 /);
  assert.ok(
    text.includes(`lockkeeper report ${report.run} --full, or --format html`),
    'what is typed, whoever prints it',
  );
});

test('commits of an input are counted beside its revisions, and the newest are told', () => {
  const newest = Array.from({ length: 10 }, (_, n) => ({
    ...{ revision: `${n}`.repeat(40), date: '2026-11-20', subject: `Change | ${n} for @team` },
  }));
  const inputs = exampleReport().inputs.map((input) => ({ ...input, commits: { count: 12, newest } }));
  const report = exampleReport({ inputs });
  assert.match(
    renderReport(report, 'text'),
    /2026-11-20 {2}12 commits\n.*\n {4}0{8} Change \| 0 for @team\n(?: {4}.*\n){2} {4}and 9 more commits\n/,
  );
  const markdown = renderReport(report, 'md');
  assert.match(markdown, /\| \[12 commits\]\(https:\/\/github\.com/);
  assert.match(
    markdown,
    /Newest commits of <code>nixpkgs<\/code><\/summary>\n\n- `2026-11-20 00000000 Change \| 0 for @team`\n/,
  );
  assert.match(markdown, /\nand 2 more\n\n<\/details>/);
  const [json] = (reportJson(report) as { inputs: object[] }).inputs;
  assert.deepEqual((json as { commits: object }).commits, { count: 12, newest });
});

test('a report of an older version, which knows only the names of nested inputs, names them', () => {
  const inputs = exampleReport().inputs.map((input) => ({ ...input, nested: ['home/n0', 'home/n1'] }));
  const report = exampleReport({ inputs });
  assert.match(renderReport(report, 'text'), /\n {4}home\/n0\n {4}home\/n1\n/);
  assert.match(renderReport(report, 'md'), /\| ↳ `home\/n0` \|/);
});

test('the text form shows for each broken host the error, the derivation, the last 20 lines and where the log is', () => {
  const report = exampleReport({
    outcome: 'broken',
    landed: null,
    targets: [brokenTarget('gamma'), exampleTarget('a')],
  });
  const text = renderReport(report, 'text');
  assert.match(text, /✘ Broken, nothing pushed/);
  assert.match(text, /✘ gamma: builder for gamma failed with exit code 7\n {2}derivation {2}\/nix\/store\/9/);
  assert.match(text, /whole log {3}\/state\/builds\/run\/gamma\/log/);
  assert.match(text, /lockkeeper logs update-fleet-20261121-093015 gamma/);
  assert.match(text, /│ line 11\n/);
  assert.match(text, /│ line 30\n/);
  assert.doesNotMatch(text, /line 10\n/);
});

test('the text form says what stayed, what was left out, what was ignored, who decided and who could not be told', () => {
  const text = renderReport(
    exampleReport({
      unfetched: [{ name: 'dead', reason: 'no such host' }],
      leftOut: ['2 commits of main that are not pushed'],
      ignoredNixConfig: ['post-build-hook = /x'],
      approval: { decision: 'approved', by: 'ada', commit: 'b'.repeat(40), comment: 'go' },
      notifications: [
        { notifier: 'ntfy', event: 'finished', ok: false, error: 'no answer' },
        { notifier: 'org', event: 'finished', ok: true, error: null },
      ],
    }),
    'text',
  );
  for (const line of [
    'dead  no such host',
    'are not pushed',
    'post-build-hook = /x',
    'approved by ada (bbbbbbbb): go',
  ]) {
    assert.ok(text.includes(line), line);
  }
  const carried = renderReport(
    exampleReport({ approval: { decision: 'approved', by: 'ada', commit: 'c'.repeat(40), comment: null } }),
    'text',
  );
  assert.ok(carried.includes('approved by ada (cccccccc, then carried over onto a newer main)'), carried);
  assert.match(text, /ntfy \(finished\): no answer/);
  assert.doesNotMatch(text, /org \(finished\)/);
});

test('colours are there only when asked for, and take nothing away', () => {
  const report = exampleReport({ outcome: 'broken', targets: [brokenTarget('gamma')] });
  const plain = renderReport(report, 'text');
  const coloured = renderReport(report, 'text', { color: true });
  assert.ok(!plain.includes('\u001b'));
  assert.ok(coloured.includes('\u001b[31m'));
  // eslint-disable-next-line no-control-regex -- the codes are what is taken out
  assert.equal(coloured.replace(/\u001b\[\d+m/g, ''), plain);
});

test('text from outside steers no terminal and adds no lines to the text form', () => {
  const evil = exampleReport({
    outcome: 'failed',
    error: EVIL,
    repository: EVIL,
    targets: [brokenTarget(EVIL, { error: EVIL })],
  });
  const text = renderReport(evil, 'text');
  assert.doesNotMatch(text, /\p{Cf}|^# fixes/mu);
  assert.ok(!text.includes('\u001b'));
});

test('text from outside is code in Markdown: no headings, mentions, references, links or HTML come of it', () => {
  const report = exampleReport({
    outcome: 'failed',
    error: EVIL,
    repository: EVIL,
    targets: [brokenTarget(EVIL, { error: EVIL, logTail: `\`\`\`\n</details>\n${EVIL}` })],
    unfetched: [{ name: EVIL, reason: EVIL }],
    approval: { decision: 'rejected', by: EVIL, commit: EVIL, comment: EVIL },
    leftOut: [EVIL],
    ignoredNixConfig: [EVIL],
    inputs: [
      {
        name: EVIL,
        kind: 'git',
        from: EVIL,
        to: EVIL,
        fromDate: null,
        toDate: null,
        compareUrl: EVIL,
        commits: { count: 12, newest: [{ revision: EVIL, date: EVIL, subject: EVIL }] },
        nested: [EVIL],
        nestedMoves: [{ path: EVIL, from: EVIL, to: EVIL, fromDate: null, toDate: null, compareUrl: EVIL }],
      },
    ],
  });
  // Without code, as CommonMark finds it: fences first, then spans of equally long runs of backticks.
  const bare = renderReport(report, 'md')
    .replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '')
    .replace(/(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, '')
    .replace(/<code>[^<\n]*<\/code>/g, '');
  assert.doesNotMatch(bare, /fixes|@team|script|evil|\p{Cf}/u);
  assert.ok(!bare.includes('\u001b'));
  assert.match(bare, /^\| ✘ \| {2}\| {2}\| build failed \|/m);
});

test('a Markdown table row keeps its cells when a name holds a pipe', () => {
  const md = renderReport(exampleReport({ targets: [exampleTarget('a|b')] }), 'md');
  assert.match(md, /^\| ✔ \| `a\\\|b` \| `x86_64-linux` \| built \| changed \| 12 s \|$/m);
});

test('a report of hundreds of broken hosts stays within what a forge takes', () => {
  const targets = Array.from({ length: 500 }, (_, index) => brokenTarget(`h${index}`, { logTail: 'x'.repeat(8000) }));
  const inputs = Array.from({ length: 200 }, () => exampleReport().inputs).flat();
  const leftOut = Array.from({ length: 200 }, () => 'x'.repeat(900));
  const md = renderReport(
    exampleReport({ outcome: 'broken', targets, inputs, leftOut, ignoredNixConfig: leftOut }),
    'md',
  );
  assert.match(md, /and \d+ more broken hosts/);
  assert.ok(Buffer.byteLength(md) <= 65536);
});

test('the JSON report has the promised fields', () => {
  const json = reportJson(exampleReport({ targets: [brokenTarget('gamma')] }));
  for (const field of [
    'run',
    'instance',
    'outcome',
    'base',
    'head',
    'inputs',
    'targets',
    'landed',
    'approval',
    'notifications',
  ]) {
    assert.ok(field in json, field);
  }
  const [input] = json.inputs as Record<string, unknown>[];
  const [target] = json.targets as Record<string, unknown>[];
  for (const field of ['name', 'from', 'to', 'compareUrl']) assert.ok(input !== undefined && field in input, field);
  for (const field of [
    'name',
    'kind',
    'system',
    'verdict',
    'sameAsBase',
    'drvPath',
    'outPath',
    'seconds',
    'logPath',
    'logTail',
  ]) {
    assert.ok(target !== undefined && field in target, field);
  }
  assert.deepEqual(json.landed, { mode: 'branch', ref: 'flake-update-20261121', commit: 'b'.repeat(40) });
  assert.deepEqual(JSON.parse(JSON.stringify(json)), json);
});

const progress = (change: Partial<RunProgress> = {}): RunProgress => ({
  run: 'update-fleet-1',
  instance: 'update',
  repository: '/srv/fleet',
  phase: 'verifying',
  waitsFor: null,
  base: null,
  head: null,
  moved: [],
  unfetched: [],
  targets: [],
  children: [],
  approval: null,
  outcome: null,
  intent: 'push branch flake-update-20261121 to origin',
  ...change,
});

const hosts = (count: number, change: Partial<TargetProgress> = {}): TargetProgress[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `host-${index}`,
    state: 'done',
    system: 'x86_64-linux',
    verdict: 'built',
    sameAsBase: false,
    seconds: 5,
    error: null,
    ...change,
  }));

test('the details of a run that waits name the commit and the command that answers', () => {
  const details = runDetails(
    progress({
      phase: 'waiting-for-approval',
      waitsFor: 'somebody to approve',
      approval: { deadline: '2026-11-28T09:30:15Z', commit: 'c'.repeat(40) },
    }),
  );
  assert.match(details, /^### Waiting for approval/);
  assert.match(details, /`lockkeeper approve update-fleet-1`/);
  assert.match(details, /c{40}/);
  assert.match(details, /\*\*Will do:\*\* `push branch flake-update-20261121 to origin`/);
});

test('the details of a run with hundreds of hosts stay within 8 KiB, with the broken ones first', () => {
  const broken = hosts(1, { verdict: 'build-failed', error: EVIL.repeat(50) }).map((host) => ({
    ...host,
    name: 'gamma',
  }));
  const details = runDetails(progress({ targets: [...hosts(500), ...broken] }));
  assert.ok(Buffer.byteLength(details) <= 8192, String(Buffer.byteLength(details)));
  assert.match(details, /501 hosts: 500 built, 1 broken/);
  const rows = details.split('\n').filter((line) => line.startsWith('| '));
  assert.match(rows[2] ?? '', /gamma/);
  assert.ok(rows.every((row) => row.endsWith(' |')));
  assert.match(details, /and \d+ hosts more\n$/);
});

test('details with as much of everything as can be stay within 8 KiB', () => {
  const long = '`|é'.repeat(2000);
  const revision = { revision: long, short: long, date: long };
  const moved = {
    name: long,
    kind: 'git',
    from: revision,
    to: { ...revision, revision: `${long}x` },
    compareUrl: long,
    nested: [long],
  };
  const details = runDetails(
    progress({
      run: long,
      repository: long,
      intent: long,
      waitsFor: long,
      approval: { deadline: long, commit: long },
      moved: Array.from({ length: 50 }, () => moved),
      unfetched: Array.from({ length: 50 }, () => ({ name: long, reason: long })),
      targets: hosts(100, { name: long, error: long, verdict: 'build-failed' }),
    }),
  );
  assert.ok(Buffer.byteLength(details) <= 8192, String(Buffer.byteLength(details)));
});

test('each form says what an agent did, also that no sandbox was there, and text from it stays text', () => {
  const attempt = {
    number: 1,
    outcome: 'refused',
    reason: EVIL,
    seconds: 65,
    machine: 'm',
    logPath: '/state/builds/run/fix-1/log',
    sandboxed: false,
    files: [EVIL],
  } as const;
  const report = exampleReport({
    fixes: [
      {
        target: 'alpha',
        attempts: [attempt, { ...attempt, number: 2, outcome: 'mended', reason: null }],
        commit: 'c'.repeat(40),
      },
      { target: 'beta', attempts: [], commit: 'c'.repeat(40) },
    ],
  });
  const text = renderReport(report, 'text');
  assert.match(text, /2 fixed: alpha, beta/);
  assert.match(
    text,
    /What the agent was asked to fix\n {2}alpha: fixed by cccccccc\n {4}attempt 1 \(1 min 05 s\): refused: x/,
  );
  assert.match(text, /Ran without a sandbox\.\n {6}log {2}\/state\/builds\/run\/fix-1\/log\n/);
  assert.match(text, /attempt 2 \(1 min 05 s\): fixes it\. Changed: /);
  // eslint-disable-next-line no-control-regex -- it is what must not be there
  assert.doesNotMatch(text, /[\u001b\u202e]/);
  const markdown = renderReport(report, 'md');
  assert.match(markdown, /### What the agent was asked to fix/);
  assert.doesNotMatch(markdown, /^# fixes|(?<![`x].*)<script>/m);
  assert.deepEqual(
    reportJson(report).fixes,
    report.fixes.map((fix) => ({ ...fix })),
  );
});

test('gates have a part of their own, and are no hosts', () => {
  const gate = (name: string, change: Partial<ReportedTarget>): ReportedTarget =>
    exampleTarget(name, { kind: 'gate', system: null, drvPath: null, outPath: null, sameAsBase: null, ...change });
  const report = exampleReport({
    targets: [
      exampleTarget('alpha', { sameAsBase: true }),
      gate('gate:flake-check', {}),
      gate('gate:fmt', { verdict: 'build-failed', required: false, error: 'it changes a file: flake.nix' }),
      gate('gate:lint', { verdict: 'skipped', error: 'could not run on build1: there is no lint' }),
    ],
    required: ['alpha', 'gate:flake-check', 'gate:lint'],
  });
  const text = renderReport(report, 'text');
  assert.match(text, /1 of 1 host built · 1 of 3 gates passed · 1 broken: gate:fmt/);
  assert.match(text, /\nGates\n {2}✔ gate:flake-check {2}passed +12 s\n {2}✘ gate:fmt +failed \(warns only\)/);
  assert.match(text, /– gate:lint +could not run .* could not run on build1: there is no lint/);
  const markdown = renderReport(report, 'md');
  assert.match(markdown, /### Gates\n\n.*\n.*\n\| ✘ \| `gate:fmt` \| failed \(warns only\)/);
  assert.match(markdown, /<summary>✘ <code>gate:fmt<\/code> failed<\/summary>/);
  const { targets, gates } = reportJson(report) as Record<'targets' | 'gates', { name: string; verdict: string }[]>;
  assert.deepEqual(
    targets.map(({ name }) => name),
    ['alpha'],
  );
  assert.deepEqual(
    gates.map(({ name, verdict }) => `${name} ${verdict}`),
    ['gate:flake-check passed', 'gate:fmt failed', 'gate:lint skipped'],
  );
  assert.equal(exitStatus(report), 1, 'a required gate that could not run has not passed');
  assert.equal(exitStatus({ ...report, targets: report.targets.slice(0, 2) }), 3, 'no host has another closure');
});

test('a run in progress counts its hosts and its gates apart', () => {
  const details = runDetails(
    progress({
      targets: [
        { ...untouched('alpha'), state: 'done', verdict: 'built' },
        { ...untouched('gate:fmt'), state: 'done', verdict: 'build-failed' },
      ],
    }),
  );
  assert.match(details, /1 host: 1 built, 0 broken · 1 gate: 0 passed, 1 broken/);
  assert.match(details, /`gate:fmt` \|.*\| failed/);
});

test('the headline names what stopped the landing, a host that nobody could build as well, apart from what was broken before', () => {
  const report = exampleReport({
    outcome: 'broken',
    landed: null,
    targets: [
      brokenTarget('gate:lint', { kind: 'gate' }),
      exampleTarget('alpha'),
      exampleTarget('pi', { verdict: 'skipped', error: 'no worker serves aarch64-linux' }),
      brokenTarget('gamma'),
      brokenTarget('delta', { required: false }),
    ],
    brokenOnBase: ['gate:lint'],
  });
  const text = renderReport(report, 'text');
  assert.match(text, /· stopped by pi, gamma · 1 broken: delta · 1 broken before: gate:lint$/m);
  assert.match(text, /– pi .*skipped .*no worker serves aarch64-linux/);
  assert.ok(text.indexOf('✘ gamma:') < text.indexOf('✘ gate:lint:'), 'what stopped it comes first');
  const markdown = renderReport(report, 'md');
  assert.match(markdown, /^\*\*Stopped by\*\* `pi`, `gamma`$/m);
  assert.match(markdown, /skipped: `no worker serves aarch64-linux`/);
  const org = orgEntry(report, '2025-12-04T13:17:00.000Z', 'UTC');
  assert.match(org, /^\* TODO .*\(pi, gamma\)$/m);
  assert.match(org, /gate:lint \(broken before\): builder for gate:lint failed with exit code 7: line 30$/m);
});

test('a run that verified not one host says so, in every form', () => {
  const why = 'Nothing is known of this update, because not one host was built (alpha).';
  const report = exampleReport({
    outcome: 'broken',
    landed: null,
    nothingVerified: why,
    targets: [brokenTarget('alpha')],
    brokenOnBase: ['alpha'],
  });
  const text = renderReport(report, 'text');
  assert.match(text, /^✘ Nothing could be verified, nothing pushed/);
  assert.ok(text.includes(why));
  assert.ok(renderReport(report, 'md').includes(`**${why}**`));
  assert.equal(reportJson(report).nothingVerified, why);
  assert.equal(exitStatus(report), 1);
  const ntfy = ntfyMessage('finished', report, { topic: 't', at: '2025-12-04T13:17:00.000Z' });
  assert.match(ntfy.title, /Nothing could be verified/);
  assert.ok(ntfy.message.includes(why));
});

test('an input that is held back shows which revision broke what, where, and the end of the log, in every form', () => {
  const failure = {
    target: 'web',
    error: 'exit code 1: error: gone',
    failedDrv: '/nix/store/9-web.drv',
    machine: 'm2',
    logPath: '/state/builds/run/probe/log',
    logTail: 'building\nerror: gone',
  };
  const held = {
    input: 'alpha',
    targets: ['web'],
    reason: 'exit code 1: error: gone',
    revision: '1'.repeat(40),
    newRevision: '2'.repeat(40),
    compareUrl: 'https://forge.example/a/compare/1...2',
    failures: [failure],
  };
  const report = exampleReport({ heldBack: [held] });
  const text = renderReport(report, 'text');
  const command = 'lockkeeper logs update-fleet-20261121-093015 web --input alpha';
  for (const part of [
    'alpha  breaks web: exit code 1: error: gone\n',
    'stays at 11111111, not 22222222\n',
    'https://forge.example/a/compare/1...2\n',
    'derivation: /nix/store/9-web.drv\n',
    'log: /state/builds/run/probe/log\n',
    `${command}\n`,
    '│ error: gone\n',
  ])
    assert.ok(text.includes(part), `${part} in ${text}`);
  const markdown = renderReport(report, 'md');
  assert.match(markdown, /^- `alpha`: breaks `web`: `.*` \(stays at `11111111`, not `22222222`, \[compare\]\(https:/m);
  assert.match(markdown, /<summary>✘ <code>web<\/code> with <code>alpha<\/code><\/summary>[^]*error: gone\n```/);
  assert.ok(markdown.includes(command));
  const { heldBack } = reportJson(report) as { heldBack: Record<string, unknown>[] };
  assert.deepEqual([heldBack[0]?.newRevision, heldBack[0]?.failures], [held.newRevision, [failure]]);
  const ntfy = ntfyMessage('finished', report, { topic: 't', at: '2025-12-04T13:17:00.000Z' });
  assert.match(
    ntfy.message,
    /^alpha held back: breaks web: exit code 1: error: gone \(stays at 11111111, not 22222222\)$/m,
  );
});

test('the details of a run show the end of what broke with the command for all of it, within 8 KiB', () => {
  const failure = (what: string) => ({
    what,
    error: EVIL,
    logTail: `${'x'.repeat(300)}\n`.repeat(20) + 'error: gone',
    command: `lockkeeper logs update-fleet-1 ${what}`,
  });
  const targets = [...hosts(500), { ...untouched('web'), state: 'building' as const }];
  const details = runDetails(progress({ targets }), [
    failure('rhea'),
    ...Array.from({ length: 50 }, () => failure('x')),
  ]);
  assert.match(details, /^#### ✘ `rhea`$[^]*^error: gone\n```\n\n- whole log: `lockkeeper logs update-fleet-1 rhea`$/m);
  assert.match(details, /^\| … \| `web` .*\| builds \|/m);
  assert.ok(Buffer.byteLength(details) <= 8192, String(Buffer.byteLength(details)));
});

test('targets that a commit removes are named, in every form, and are a change', () => {
  const targets = [exampleTarget('alpha', { sameAsBase: true })];
  const compared = { revision: 'fewer', against: 'main' };
  const report = exampleReport({ outcome: 'verified', landed: null, compared, targets, gone: ['db'] });
  assert.match(renderReport(report, 'text'), / · 1 gone: db( ·|$)/m);
  assert.match(renderReport(report, 'md'), /^\*\*Gone:\*\* `db`$/m);
  assert.ok(renderHtml(report).includes('<p>1 gone: db</p>'));
  assert.deepEqual(reportJson(report).gone, ['db']);
  assert.deepEqual([exitStatus(report), exitStatus({ ...report, gone: [] })], [0, 3]);
});

test('of sixty inputs that move the terminal shows a line each for forty, and the page folds what they bring', () => {
  const [input] = exampleReport().inputs;
  assert.ok(input !== undefined);
  const newest = [{ revision: 'c'.repeat(40), date: '2026-11-20', subject: 'A change' }];
  const inputs = Array.from({ length: 60 }, (_, index) => ({
    ...{ ...input, name: `input${index}`, commits: { count: 3, newest } },
    nested: Array.from({ length: 9 }, (__, nested) => `input${index}/n${nested}`),
    nestedMoves:
      index === 5 ? [{ ...input, path: 'input5/n8', source: { from: 'github:a/b', to: 'github:evil/b' } }] : [],
  }));
  const report = exampleReport({ inputs, advice: [{ kind: 'still', input: 'input1', date: '2020-01-01' }] });
  const text = renderReport(report, 'text');
  assert.match(text, /\n {2}input39 .* 3 commits {2}9 nested inputs\n {2}and 20 more inputs\n/);
  assert.match(text, /\n {4}input5\/n8 .*now from github:evil\/b, not github:a\/b\n/);
  assert.ok(text.split('\n').length < 60, text);
  assert.match(renderReport(report, 'text', { full: true }), /input59[^]*A change/);
  const html = renderHtml(report);
  assert.equal(html.match(/<details><summary><b><bdi>input\d+<\/bdi><\/b> 3 commits/g)?.length, 60);
  assert.match(html, /<h2 id="advice">Advice<\/h2>\s*<ul><li>input1 has had no new revision since 2020-01-01/);
});
