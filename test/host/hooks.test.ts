import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Delivery } from '../../host/hooks/deliver.js';
import { calmly } from '../../host/hooks/calmly.js';
import { serveHooks } from '../../host/hooks/serve.js';
import { readHook, repositoryName, type HookEvent } from '../../model/hooks/event.js';
import { isSigned, secretFault, type Headers } from '../../model/hooks/signature.js';
import { until } from '../support/lockkeeper.js';
import { atEndOf, withFolder, wholeFile } from '../support/scope.js';

const SECRET = 'old-and-gold-and-told';
const KEY = Buffer.alloc(32, 7);
const STANDARD = `whsec_${KEY.toString('base64')}`;
const hmac = (body: string, secret = SECRET): string => createHmac('sha256', secret).update(body).digest('hex');

const PUSH = JSON.stringify({
  ref: 'refs/heads/main',
  repository: { clone_url: 'https://git.example.org/me/fleet.git', ssh_url: 'git@git.example.org:me/fleet.git' },
});
const NAME = 'git.example.org/me/fleet';

test('who signed a webhook is told by the ways of GitHub, Gitea, Forgejo and GitLab', () => {
  const now = Date.parse('2026-11-29T17:00:00Z');
  const signed = (headers: Headers, body = PUSH): boolean =>
    isSigned(headers, Buffer.from(body), ['new', SECRET, STANDARD], now);
  const standard = (at: number, body = PUSH): Headers => ({
    'webhook-id': 'one',
    'webhook-timestamp': String(at),
    'webhook-signature': `v1,AAAA v1,${createHmac('sha256', KEY).update(`one.${at}.${body}`).digest('base64')}`,
  });
  assert.ok(signed({ 'x-hub-signature-256': `sha256=${hmac(PUSH)}` }));
  assert.ok(signed({ 'x-gitea-signature': hmac(PUSH) }));
  assert.ok(signed({ 'x-forgejo-signature': hmac(PUSH, 'new') }));
  assert.ok(signed({ 'x-gitlab-token': SECRET }));
  assert.ok(signed(standard(now / 1000 - 299)));
  assert.ok(!signed(standard(now / 1000 - 301)), 'too old');
  assert.ok(!signed(standard(now / 1000), `${PUSH} `), 'another body');
  assert.ok(!signed({ 'x-hub-signature-256': hmac(PUSH) }));
  assert.ok(!signed({ 'x-gitea-signature': hmac(`${PUSH} `) }));
  assert.ok(!signed({ 'x-gitlab-token': '' }));
  assert.ok(!signed({}));
});

test('a secret that can be guessed is none', () => {
  for (const good of [SECRET, STANDARD, 'a'.repeat(16)]) assert.equal(secretFault(good), null);
  for (const [bad, why] of [
    ['x', /shorter than 16/],
    ['# the secret of the forge', /begins with #/],
    ['the secret of the forge', /has spaces/],
    ['whsec_', /shorter than 16/],
    ['whsec_AAAAAAAAAAAA', /less than 16 bytes/],
  ] as const)
    assert.match(secretFault(bad) ?? '', why);
});

test('what was answered before it was told is tried again, and told when nobody listens any more', async () => {
  const event: HookEvent = { repositories: [NAME], branch: 'main' };
  const messages: string[] = [];
  let fails = 0;
  let told = 0;
  const deliver = (): Promise<Delivery> => {
    if (fails === 0) {
      told += 1;
      return Promise.resolve('told');
    }
    fails -= 1;
    return Promise.reject(new Error('no server runs'));
  };
  const calm = calmly(deliver, (text) => messages.push(text));
  assert.deepEqual([await calm.tell(event), await calm.tell(event)], ['told', 'told']);
  fails = 1;
  await until(
    () => told === 2,
    30_000,
    () => `told ${told} times`,
  );
  assert.match(messages.join('\n'), /no server runs/);
  assert.equal(await calm.tell(event), 'told');
  await calm.close();
  assert.equal(told, 3);
});

test('a repository that nobody knows is answered alike however many ask at once, and nothing of it is remembered', async () => {
  const event: HookEvent = { repositories: ['git.example.org/nobodys'], branch: 'main' };
  let asked = 0;
  const answers: Delivery[] = ['unknown', 'unknown', 'told'];
  const deliver = async (): Promise<Delivery> => {
    const answer = answers[asked] ?? 'told';
    asked += 1;
    await turn();
    return answer;
  };
  const calm = calmly(deliver, () => undefined);
  assert.deepEqual(await Promise.all(Array.from({ length: 20 }, () => calm.tell(event))), Array(20).fill('unknown'));
  assert.equal(asked, 1);
  assert.equal(await calm.tell(event), 'unknown');
  assert.equal(await calm.tell(event), 'told', 'somebody has begun to watch it');
  await calm.close();
  assert.equal(asked, 3);
});

test('webhooks tell of which repository they are, however it is reached, and nothing is made of others', () => {
  assert.deepEqual(readHook({ 'x-gitea-event': 'push' }, PUSH), { repositories: [NAME], branch: 'main' });
  const form = { 'x-github-event': 'push', 'content-type': 'application/x-www-form-urlencoded' };
  assert.deepEqual(readHook(form, `payload=${encodeURIComponent(PUSH)}`)?.branch, 'main');
  const project = {
    git_ssh_url: 'ssh://git@git.example.org:2222/me/fleet.git',
    web_url: 'https://git.example.org/me/fleet',
  };
  const merge = { 'x-gitlab-event': 'Merge Request Hook' };
  assert.deepEqual(readHook(merge, JSON.stringify({ project })), { repositories: [NAME], branch: null });
  for (const event of ['pull_request', 'pull_request_approved', 'issue_comment'])
    assert.equal(readHook({ 'x-github-event': event }, PUSH)?.branch, null);
  assert.equal(readHook({ 'x-github-event': 'ping' }, PUSH), null);
  assert.equal(readHook({ 'x-github-event': 'push' }, JSON.stringify({ ref: 'refs/tags/v1' })), null);
  assert.deepEqual(readHook({ 'x-github-event': 'pull_request' }, '[]'), { repositories: [], branch: null });
  assert.throws(() => readHook({ 'x-github-event': 'push' }, 'no JSON'), SyntaxError);
  assert.equal(repositoryName('/srv/git/fleet.git'), null);
  assert.equal(repositoryName('git+ssh://git@Git.Example.org/me/fleet'), NAME);
  assert.equal(repositoryName('https://git.example.org:443/Me/Fleet.git'), NAME);
  assert.equal(repositoryName('http://git.example.org:80/me/fleet'), NAME);
});

test('only signed webhooks are read; floods and what comes slowly are cut off, and messages are few', async () => {
  const folder = await withFolder(wholeFile);
  const secretFile = join(folder, 'secret');
  await writeFile(secretFile, `${SECRET}\n`, { mode: 0o600 });
  const events: HookEvent[] = [];
  const answers: (Delivery | Error)[] = [];
  const common = { address: '127.0.0.1', port: 0, log: () => undefined };
  const served = await serveHooks({
    ...{ ...common, secretFile },
    deliver: (event) => {
      events.push(event);
      const answer = answers.shift() ?? 'told';
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  atEndOf(wholeFile, () => served.close());
  const post = async (name: string, headers: Record<string, string> = {}): Promise<string> => {
    const body = PUSH.replaceAll('me/fleet', `me/${name}`);
    const answer = await fetch(served.url, {
      method: 'POST',
      headers: { 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${hmac(body)}`, ...headers },
      body,
    });
    return `${answer.status} ${(await answer.text()).trim()}`;
  };

  assert.equal(await post('a', { 'x-hub-signature-256': 'sha256=00' }), '401 The signature is missing or wrong.');
  assert.equal((await fetch(served.url)).status, 405);
  assert.equal(events.length, 0);
  assert.match(await post('a'), /^202 /);
  answers.push('unknown', 'nobody', new Error('no server runs'));
  assert.equal(await post('b'), '404 Not found.');
  assert.match(await post('c'), /^200 /);
  assert.match(await post('d'), /^503 /);
  assert.match(await post('d'), /^202 /, 'what failed is tried again at once');

  const large = await fetch(served.url, {
    method: 'POST',
    headers: { 'x-gitlab-token': SECRET },
    body: 'x'.repeat(5 * 1024 * 1024),
  }).then(
    ({ status }) => status,
    () => 413,
  );
  assert.equal(large, 413);
  // Whoever repeats one is told the same, and workflows hear of it once more.
  events.length = 0;
  for (let count = 0; count < 5; count += 1) assert.match(await post('e'), /^202 /);
  await until(
    () => events.length === 2,
    10_000,
    () => `${events.length} messages`,
  );

  await writeFile(secretFile, 'another-one-for-others\n');
  assert.match(await post('a'), /^401 /);
  await writeFile(secretFile, `another-one-for-others\n${SECRET}\n`);
  assert.match(await post('f'), /^202 /);
  await chmod(secretFile, 0o644);
  assert.match(await post('f'), /^503 /);
  await chmod(secretFile, 0o600);

  // Headers that never end are not waited for.
  const { port } = new URL(served.url);
  const slow = connect(Number(port), '127.0.0.1');
  slow.on('error', () => undefined);
  const closed = new Promise((resolve) => slow.once('close', resolve));
  slow.write('POST / HTTP/1.1\r\nhost: x\r\n');
  // In one piece, which a busy machine sends no more slowly.
  const flood = connect(Number(port), '127.0.0.1');
  const request = (connection: string): string =>
    `POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: ${connection}\r\n\r\n`;
  flood.end(request('keep-alive').repeat(300) + request('close'));
  assert.match(await textOf(flood), /^HTTP\/1\.1 429 /m, 'a flood is let in');
  assert.match(await post('g'), /^202 /, 'a flood of others is not in the way of a forge');
  await closed;
  await writeFile(secretFile, '# of the forge\n');
  await assert.rejects(
    serveHooks({ ...common, secretFile, deliver: () => Promise.resolve('told') }),
    /line 1 begins with #/,
  );
  await assert.rejects(
    serveHooks({ ...common, secretFile: join(folder, 'none'), deliver: () => Promise.resolve('told') }),
    /does not exist/,
  );
});
