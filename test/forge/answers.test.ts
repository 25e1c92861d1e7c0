import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { FoundRequests } from '../../model/contract/requests.js';
import { forges } from '../../model/forge/index.js';
import { FORGE_KINDS, type ForgeKind } from '../../model/forge/kinds.js';
import { writeMark } from '../../model/report/forge/request.js';
import { createActivities } from '../../workers/activities.js';
import { activityEnvironment, repositoryAt } from '../support/repository.js';
import { wholeFile, withFolder } from '../support/scope.js';
import { withStandInForge } from '../support/stand-in-forge.js';

const folder = await withFolder(wholeFile);
const forge = await withStandInForge(wholeFile, 'keeper/fleet');
const tokenFile = join(folder, 'token');
await writeFile(tokenFile, forge.token, { mode: 0o600 });
const { coordinator } = createActivities(activityEnvironment(folder));

const input = {
  repository: repositoryAt('https://forge.example/keeper/fleet.git'),
  forge: { kind: 'gitea' as ForgeKind, url: forge.url, repository: 'keeper/fleet', tokenFile },
  branch: 'bot/flake-update',
};
interface Try {
  /** Default: the first. */
  readonly attempt?: number;
  /** Whether a run that has built asks, and for how many minutes it has: it waits for days. */
  readonly patient?: number;
}
const find = (more: Partial<typeof input> = {}, { attempt = 1, patient }: Try = {}): Promise<FoundRequests> => {
  const since = { scheduledTimestampMs: Date.now() - (patient ?? 0) * 60_000 };
  const info = { attempt, ...since, ...(patient !== undefined && { retryPolicy: { maximumAttempts: 600 } }) };
  return new MockActivityEnvironment(info).run(() => coordinator.findRequests({ ...input, ...more }));
};

const html = (response: ServerResponse, status = 200, headers: Record<string, string> = {}): unknown =>
  response.writeHead(status, headers).end('<html>Log in</html>');
const json = (response: ServerResponse, status: number, headers: Record<string, string> = {}): unknown =>
  says(response, status, { message: `no, says the forge with ${forge.token}` }, headers);
const says = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): unknown =>
  response.writeHead(status, headers).end(JSON.stringify(body));
const inAnHour = (): number => Date.now() + 3_600_000;
const date = (time: number): string => new Date(time).toUTCString();
const limited = (to: ServerResponse, reset: number, headers: Record<string, string> = {}): unknown =>
  json(to, 429, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.floor(reset / 1000)), ...headers });
const sent = (to: ServerResponse, status: number, location: string): unknown =>
  to.writeHead(status, { location }).end();

/** Type of a failure, whether it is final, the pause that is asked for in seconds, and what it says. */
type Case = readonly [
  name: string,
  answer: (response: ServerResponse, request: IncomingMessage) => unknown,
  type: string,
  pause: number | 'final' | null,
  message: RegExp,
  at?: Try,
];

/** What all kinds say in the same way, or what somebody before them does. */
const ANSWERS: readonly Case[] = [
  ['401', (to) => json(to, 401), 'ForgeRefused', 'final', /does not accept the token in \/.*write a valid one into it/],
  ['403', (to) => json(to, 403), 'ForgeRefused', 'final', /does not let the token in \/.*give it the rights/],
  ['403 for a limit', (to) => json(to, 403, { 'retry-after': '30' }), 'ForgeUnreachable', 30, /asks for a pause/],
  ['404', (to) => json(to, 404), 'ForgeRefused', 'final', /has no keeper\/fleet that the token .* may see.*forge\.url/],
  ['404 once', (to) => json(to, 404), 'ForgeUnreachable', 5, /does not see what was asked for/, { patient: 0 }],
  ['404 again', (to) => json(to, 404), 'ForgeRefused', 'final', /has no keeper/, { patient: 0, attempt: 3 }],
  ['405', (to) => json(to, 405), 'ForgeRefused', 'final', /refused the request for keeper\/fleet \(HTTP 405: no, /],
  ['409', (to) => json(to, 409), 'ForgeUnreachable', 5, /got two requests at once \(HTTP 409/],
  ['409 again', (to) => json(to, 409), 'ForgeRefused', 'final', /refused the request .*HTTP 409/, { attempt: 3 }],
  ['410', (to) => json(to, 410), 'ForgeRefused', 'final', /is gone .*turn on issues in the settings/],
  ['413', (to) => html(to, 413), 'ForgeRefused', 'final', /takes no text of that length \(HTTP 413\): let the proxy/],
  ['422', (to) => json(to, 422), 'ForgeRefused', 'final', /refused the request for keeper\/fleet \(HTTP 422: no, /],
  ['423', (to) => json(to, 423), 'ForgeRefused', 'final', /has archived keeper\/fleet/],
  ['429', (to) => json(to, 429, { 'retry-after': '7' }), 'ForgeUnreachable', 7, /asks for a pause \(HTTP 429/],
  ['429 without a pause', (to) => json(to, 429), 'ForgeUnreachable', 60, /asks for a pause/],
  [
    '429 for a year',
    (to) => json(to, 429, { 'retry-after': '31536000' }),
    'ForgeUnreachable',
    3600,
    /asks for a pause/,
  ],
  [
    '429 until a date of its clock',
    (to) => json(to, 429, { 'retry-after': date(inAnHour() + 90_000), date: date(inAnHour()) }),
    ...(['ForgeUnreachable', 90, /asks for a pause/] as const),
  ],
  ['429 until yesterday', (to) => json(to, 429, { 'retry-after': date(1) }), 'ForgeUnreachable', 1, /a pause/],
  [
    '429 until yesterday, again and again',
    (to) => json(to, 429, { 'retry-after': date(1) }),
    ...(['ForgeUnreachable', 60, /asks for a pause/, { attempt: 20 }] as const),
  ],
  ['a limit that ended', (to) => limited(to, 1), 'ForgeUnreachable', 1, /asks for a pause/],
  ['a limit that never ends', (to) => limited(to, inAnHour() * 2), 'ForgeUnreachable', 3600, /asks for a pause/],
  [
    'a limit by its own clock',
    (to) => limited(to, inAnHour() + 120_000, { date: date(inAnHour()) }),
    ...(['ForgeUnreachable', 120, /asks for a pause/] as const),
  ],
  ['500', (to) => json(to, 500), 'ForgeUnreachable', null, /has an error \(HTTP 500: no, /],
  ['503 as a page', (to) => html(to, 503), 'ForgeUnreachable', null, /has an error \(HTTP 503\)/],
  ['503 for a while', (to) => html(to, 503, { 'retry-after': '120' }), 'ForgeUnreachable', 120, /has an error/],
  ['a page', (to) => html(to), 'ForgeRefused', 'final', /did not answer with JSON.*check forge\.url/],
  [
    '404 as a page',
    (to) => html(to, 404),
    'ForgeRefused',
    'final',
    /not answer with JSON, .* \(HTTP 404\): check forge\.url/,
  ],
  // A run that has built does not fail for a proxy whose forge is being restarted.
  [
    'a page for a while',
    (to) => html(to),
    'ForgeUnreachable',
    null,
    /not answer with JSON/,
    { patient: 59, attempt: 20 },
  ],
  [
    '404 for a while',
    (to) => html(to, 404),
    'ForgeUnreachable',
    null,
    /not answer with JSON/,
    { patient: 59, attempt: 20 },
  ],
  [
    '403 for a while',
    (to) => html(to, 403),
    'ForgeUnreachable',
    null,
    /not answer with JSON/,
    { patient: 59, attempt: 20 },
  ],
  ['a page for long', (to) => html(to), 'ForgeRefused', 'final', /not answer with JSON/, { patient: 61, attempt: 20 }],
  ['no list', (to) => to.end('{}'), 'ForgeRefused', 'final', /gives a list that is not as \w+ has it/],
  ['an odd list', (to) => to.end('[{"id":1}]'), 'ForgeRefused', 'final', /not as \w+ has it: check forge\.kind/],
  ['an end', (to) => to.destroy(), 'ForgeUnreachable', null, /does not answer/],
  [
    'an end in the middle',
    (to) => {
      to.writeHead(200, { 'content-length': '1000' }).write('[{"id":1,');
      to.socket?.end();
    },
    ...(['ForgeUnreachable', null, /does not answer/] as const),
  ],
  ['a page cut short', (to) => to.end('[{"id":1,"body":"'), 'ForgeUnreachable', null, /an answer that ends too early/],
  ['nothing', (to) => to.end(), 'ForgeUnreachable', null, /an answer that ends too early/],
  [
    'another host',
    (to) => sent(to, 307, 'https://login.example/x'),
    ...(['ForgeRefused', 'final', /sends elsewhere \(HTTP 307\), to https:\/\/login\.example: give/] as const),
  ],
  [
    'another host for a while',
    (to) => sent(to, 302, 'https://login.example/x'),
    ...(['ForgeUnreachable', null, /sends elsewhere/, { patient: 5 }] as const),
  ],
  ['a loop', (to, { url = '/' }) => sent(to, 301, url), 'ForgeRefused', 'final', /elsewhere/],
  ['no place', (to) => sent(to, 301, 'http://['), 'ForgeRefused', 'final', /elsewhere/],
];

const validation = (...errors: readonly object[]): object => ({ message: 'Validation Failed', errors });

/** What only one kind says. */
const OF_KINDS: readonly (readonly [kind: ForgeKind, each: Case])[] = [
  // A good token, as GitHub says at times; and one that is bad for good.
  ['github', ['401', (to) => json(to, 401, { 'x-ratelimit-limit': '60' }), 'ForgeUnreachable', 5, /does not know/]],
  [
    ...(['github'] as const),
    [
      '401 again and again',
      (to) => json(to, 401, { 'x-ratelimit-limit': '60' }),
      ...(['ForgeRefused', 'final', /not accept/, { attempt: 3 }] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      '401 to a wrong clock',
      (to) => json(to, 401, { date: date(inAnHour()) }),
      'ForgeRefused',
      ...(['final', /set the clock of this machine, which is 3(?:600|599) s behind that of the forge/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      'a secondary limit',
      (to) => says(to, 403, { message: 'You have exceeded a secondary rate limit.' }),
      ...(['ForgeUnreachable', 60, /asks for a pause/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      'abuse detection',
      (to) => says(to, 403, { message: 'You have triggered an abuse detection mechanism.' }),
      ...(['ForgeUnreachable', 60, /asks for a pause/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      'too many texts at once',
      (to) => says(to, 422, validation({ code: 'custom', message: 'was submitted too quickly' })),
      ...(['ForgeUnreachable', 60, /asks for a pause/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      '403 for a missing permission',
      (to) =>
        says(...([to, 403, { message: 'Resource not accessible by integration' }] as const), {
          'x-accepted-github-permissions': 'statuses=write',
        }),
      'ForgeRefused',
      ...(['final', /not accessible by integration\): give it the rights .*\(statuses=write\)\.$/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      '403 for single sign-on',
      (to) => json(to, 403, { 'x-github-sso': 'required; url=https://github.com/orgs/x/sso' }),
      ...(['ForgeRefused', 'final', /authorize the token for the single sign-on/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      '403 in a job',
      (to) => says(to, 403, { message: 'GitHub Actions is not permitted to create or approve pull requests.' }),
      ...(['ForgeRefused', 'final', /allow it in the settings .*Actions, General/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      '403 of an archive',
      (to) => says(to, 403, { message: 'Repository was archived so is read-only.' }),
      ...(['ForgeRefused', 'final', /has archived keeper\/fleet/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      '422 for a new branch',
      (to) => says(to, 422, validation({ resource: 'PullRequest', field: 'head', code: 'invalid' })),
      ...(['ForgeUnreachable', 5, /not see the branch yet/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      '422 for no branch',
      (to) => says(to, 422, validation({ resource: 'PullRequest', field: 'head', code: 'invalid' })),
      ...(['ForgeRefused', 'final', /head invalid\): a branch is gone/, { attempt: 3 }] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      '422 for a new commit',
      (to) => says(to, 422, { message: `No commit found for SHA: ${'a'.repeat(40)}` }),
      ...(['ForgeUnreachable', 5, /not see the branch yet/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      '422 without commits',
      (to) => says(to, 422, validation({ code: 'custom', message: 'No commits between main and bot/x' })),
      'ForgeRefused',
      ...(['final', /Validation Failed, No commits between main and bot\/x\): somebody has taken/] as const),
    ],
  ],
  [
    ...(['github'] as const),
    [
      '422 for a long text',
      (to) => says(to, 422, validation({ code: 'custom', field: 'body', message: 'body is too long' })),
      ...(['ForgeRefused', 'final', /body is too long\): it takes shorter texts/] as const),
    ],
  ],
  [
    ...(['gitlab'] as const),
    [
      'a missing scope',
      (to) => says(to, 403, { error: 'insufficient_scope', error_description: 'The request requires more.' }),
      ...(['ForgeRefused', 'final', /\(HTTP 403: insufficient_scope, The request requires more\.\): give it/] as const),
    ],
  ],
  [
    ...(['gitlab'] as const),
    [
      'errors of fields',
      (to) => says(to, 400, { message: { base: ['No'], title: ["can't be blank"] } }),
      ...(['ForgeRefused', 'final', /HTTP 400: No, title can't be blank/] as const),
    ],
  ],
  [
    ...(['gitlab'] as const),
    [
      'a limit of its own',
      (to) => json(to, 429, { 'ratelimit-remaining': '0', 'ratelimit-reset': '1', 'retry-after': '9' }),
      ...(['ForgeUnreachable', 9, /asks for a pause/] as const),
    ],
  ],
];

/** Answers all but the lists of requests as a forge does that is well. */
const isWell = (kind: ForgeKind, { method = '', url = '' }: IncomingMessage, to: ServerResponse): boolean => {
  const isList = /\/(?:pulls|merge_requests)\?/.test(url);
  if (method !== 'GET') json(to, 422);
  else if (kind === 'gitlab' && !isList) says(to, 200, { path_with_namespace: 'keeper/fleet' });
  return method !== 'GET' || (kind === 'gitlab' && !isList);
};

const CASES = [...FORGE_KINDS.flatMap((kind) => ANSWERS.map((each) => [kind, each] as const)), ...OF_KINDS];
for (const [kind, [name, answer, type, pause, message, at = {}]] of CASES)
  test(`${forges[kind].label} that answers with ${name} is one message with the way out`, async () => {
    forge.disturb((request, response) => {
      if (!isWell(kind, request, response)) answer(response, request);
      return true;
    });
    const failure = (await find({ forge: { ...input.forge, kind } }, at).catch(
      (error: unknown) => error,
    )) as ApplicationFailure;
    forge.disturb(() => false);
    assert.equal(failure.type, type, String(failure));
    assert.match(failure.message, message);
    assert.ok(failure.message.startsWith(`${forges[kind].label} at ${forge.url} `));
    assert.ok(!failure.message.includes(forge.token) && !(failure.stack ?? '').includes(forge.token));
    assert.equal(failure.nonRetryable === true, pause === 'final');
    assert.equal(failure.nextRetryDelay ?? null, typeof pause === 'number' ? pause * 1000 : null);
  });

/** How a proxy hangs: it takes a request and never answers, or begins an answer and never ends it. */
const HANGS: readonly (readonly [name: string, hang: (to: ServerResponse) => unknown])[] = [
  ['nothing', () => undefined],
  [
    'headers alone',
    (to) => {
      to.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    },
  ],
  ['the beginning of a list', (to) => to.writeHead(200).write('[{"id":1,')],
];
for (const kind of FORGE_KINDS)
  for (const [name, hang] of HANGS)
    test(`${forges[kind].label} that answers with ${name} is asked again`, async (t) => {
      const asked = new Promise<void>((resolve) => {
        forge.disturb((request, response) => {
          if (isWell(kind, request, response)) return true;
          hang(response);
          resolve();
          return true;
        });
      });
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const failed = find({ forge: { ...input.forge, kind } }).catch((error: unknown) => error);
      await asked;
      // The timers of the HTTP client are none of ours.
      t.mock.timers.tick(30_000);
      const failure = (await failed) as ApplicationFailure;
      t.mock.timers.reset();
      forge.disturb(() => false);
      assert.match(failure.message, /does not answer: no answer within 30 s/);
      assert.deepEqual([failure.type, failure.nonRetryable], ['ForgeUnreachable', false]);
    });

test('a repository that has moved is followed on its own host, with the same method, and its new name is told', async () => {
  forge.reset();
  forge.asked.length = 0;
  const found = await find({ forge: { ...input.forge, repository: 'old/name' } }).catch((error: unknown) => error);
  assert.match(String(found), /has no old\/name that the token .* may see/);
  forge.disturb(({ url = '' }, response) => {
    if (!url.includes('/old/name')) return false;
    response.writeHead(301, { location: url.replace('/old/name', '/keeper/fleet') }).end();
    return true;
  });
  const body = `x\n${writeMark({ run: 'r', commit: 'b'.repeat(40), lock: '', closedBy: 'r' })}\n`;
  const ends = { head: { ref: input.branch, sha: 'b'.repeat(40), repo_id: 1 }, base: { ref: 'main', repo_id: 1 } };
  forge.reset([{ id: 1, number: 4, state: 'closed', merged: false, title: 'x', body, html_url: 'http://x', ...ends }]);
  const close = { ...input, forge: { ...input.forge, repository: 'old/name' }, run: 'r' };
  const closed = await new MockActivityEnvironment().run(() => coordinator.closeRequests(close));
  forge.disturb(() => false);
  assert.deepEqual(closed, [{ number: 4, url: 'http://x', moved: 'keeper/fleet' }]);
  assert.ok(forge.asked.includes('GET /api/v1/repos/keeper/fleet/pulls'));
});

test('a forge that never ends its answer is cut off', { timeout: 60_000 }, async () => {
  forge.disturb((request, response) => {
    if (request.method !== 'GET') return false;
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    const more = (): void => {
      while (response.write(chunk));
      response.once('drain', more);
    };
    more();
    return true;
  });
  const failure = (await find().catch((error: unknown) => error)) as ApplicationFailure;
  forge.disturb(() => false);
  assert.match(failure.message, /gives an answer of more than 32 MiB/);
});

test('requests of forks, of other branches and into other branches are not ours; of a branch the open or newest one counts', async () => {
  const mark = writeMark({ run: 'r', commit: 'b'.repeat(40), lock: '', closedBy: null });
  const pull = (number: number, ref: string, more: Record<string, unknown> = {}) => ({
    ...{ id: number, number, state: 'closed', merged: false, title: 'x', body: mark, html_url: 'http://x' },
    head: { ref, sha: 'b'.repeat(40), repo_id: 1 },
    base: { ref: 'main', repo_id: 1 },
    ...more,
  });
  const theirs = { head: { ref: input.branch, sha: 'b'.repeat(40), repo_id: 7 } };
  const taken = `${input.branch}-20261121-093000`;
  forge.reset([
    pull(1, input.branch, { state: 'open' }),
    pull(2, input.branch),
    pull(3, input.branch, { state: 'open', ...theirs }),
    pull(4, 'feature', { state: 'open' }),
    pull(5, taken, { merged: true }),
    pull(6, taken),
    pull(7, taken, { base: { ref: 'trunk', repo_id: 1 } }),
    ...Array.from({ length: 45 }, (_, index) => pull(10 + index, `feature-${index}`)),
    pull(60, `${taken}-2`, { merged: true }),
  ]);
  const { requests, declined } = await find();
  assert.equal(declined, null);
  assert.deepEqual(
    requests.map(({ number, state }) => [number, state]),
    [
      [1, 'open'],
      [6, 'declined'],
      [60, 'done'],
    ],
  );
});
