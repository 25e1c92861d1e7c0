import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { FoundRequests } from '../../model/contract/activities.js';
import { writeMark } from '../../model/forge/request.js';
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
  forge: { kind: 'gitea' as const, url: forge.url, repository: 'keeper/fleet', tokenFile },
  branch: 'bot/flake-update',
};
const find = (more: Partial<typeof input> = {}): Promise<FoundRequests> =>
  new MockActivityEnvironment().run(() => coordinator.findRequests({ ...input, ...more }));

const html = (response: ServerResponse, status = 200): unknown => response.writeHead(status).end('<html>Log in</html>');
const json = (response: ServerResponse, status: number, headers: Record<string, string> = {}): unknown =>
  response.writeHead(status, headers).end(JSON.stringify({ message: `no, says the forge with ${forge.token}` }));

/** Type of a failure, whether it is final, the pause that is asked for in seconds, and what it says. */
const ANSWERS: readonly (readonly [
  name: string,
  answer: (response: ServerResponse, request: IncomingMessage) => unknown,
  type: string,
  pause: number | 'final' | null,
  message: RegExp,
])[] = [
  ['401', (to) => json(to, 401), 'ForgeRefused', 'final', /does not accept the token in \/.*write a valid one into it/],
  ['403', (to) => json(to, 403), 'ForgeRefused', 'final', /does not let the token in \/.*give it the rights/],
  ['403 for a limit', (to) => json(to, 403, { 'retry-after': '30' }), 'ForgeUnreachable', 30, /wants a pause/],
  ['405', (to) => json(to, 405), 'ForgeRefused', 'final', /refused what was asked for keeper\/fleet \(HTTP 405: no, /],
  ['409', (to) => json(to, 409), 'ForgeRefused', 'final', /HTTP 409/],
  ['423', (to) => json(to, 423), 'ForgeRefused', 'final', /has archived keeper\/fleet/],
  ['429', (to) => json(to, 429, { 'retry-after': '7' }), 'ForgeUnreachable', 7, /wants a pause \(HTTP 429/],
  ['429 for a year', (to) => json(to, 429, { 'retry-after': '31536000' }), 'ForgeUnreachable', 3600, /wants a pause/],
  ['500', (to) => json(to, 500), 'ForgeUnreachable', null, /has trouble \(HTTP 500: no, /],
  ['503 as a page', (to) => html(to, 503), 'ForgeUnreachable', null, /has trouble \(HTTP 503\)/],
  ['a page', (to) => html(to), 'ForgeRefused', 'final', /answers with something that is no JSON.*check forge\.url/],
  ['no list', (to) => to.end('{}'), 'ForgeRefused', 'final', /gives a list that is not as Gitea has it/],
  ['an odd list', (to) => to.end('[{"id":1}]'), 'ForgeRefused', 'final', /not as Gitea has it: check forge\.kind/],
  ['an end', (to) => to.destroy(), 'ForgeUnreachable', null, /does not answer/],
  [
    'another host',
    (to) => to.writeHead(307, { location: 'https://login.example/x' }).end(),
    'ForgeRefused',
    'final',
    /sends elsewhere \(HTTP 307\), to https:\/\/login\.example: give/,
  ],
  ['a loop', (to, { url = '/' }) => to.writeHead(301, { location: url }).end(), 'ForgeRefused', 'final', /elsewhere/],
  ['no place', (to) => to.writeHead(301, { location: 'http://[' }).end(), 'ForgeRefused', 'final', /elsewhere/],
];

for (const [name, answer, type, pause, message] of ANSWERS)
  test(`a forge that answers with ${name} is one message with the way out`, async () => {
    forge.disturb((request, response) => {
      if (request.method !== 'GET') return false;
      answer(response, request);
      return true;
    });
    const failure = (await find().catch((error: unknown) => error)) as ApplicationFailure;
    forge.disturb(() => false);
    assert.equal(failure.type, type, String(failure));
    assert.match(failure.message, message);
    assert.ok(failure.message.startsWith(`Gitea at ${forge.url} `));
    assert.ok(!failure.message.includes(forge.token) && !(failure.stack ?? '').includes(forge.token));
    assert.equal(failure.nonRetryable === true, pause === 'final');
    if (typeof pause === 'number') assert.equal(failure.nextRetryDelay, pause * 1000);
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
  const pull = (number: number, ref: string, more: Record<string, unknown> = {}) => ({
    ...{ id: number, number, state: 'closed', merged: false, title: 'x', body: 'x', html_url: 'http://x' },
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
