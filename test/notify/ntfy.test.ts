import { MockActivityEnvironment } from '@temporalio/testing';
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { suite, test } from 'node:test';
import { exampleReport } from '../support/report.js';
import { notify } from '../support/notify.js';
import { withHttp } from '../support/http.js';
import { ntfyMissing, withNtfy } from '../support/ntfy.js';
import { wholeFile, withFolder } from '../support/scope.js';

const directory = await withFolder(wholeFile);

/** Writes a token file and gives its path. */
async function tokenFile(name: string, token: string, mode = 0o600): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, token);
  await chmod(file, mode);
  return file;
}

const to = (server: string, topic: string, file: string | null = null) => ({
  ntfy: { server, topic, tokenFile: file },
  inboxOrg: null,
});

suite('with a real ntfy server', { skip: ntfyMissing }, async () => {
  const server = await withNtfy(wholeFile);

  test('a message arrives with its emoji title, tags and priority', async () => {
    const options = to(server.url, 'arrives', await tokenFile('token', `${server.token}\n`));
    const result = await notify({ options, report: exampleReport({ outcome: 'failed', error: 'no space left' }) });
    assert.deepEqual(result, { notifier: 'ntfy', event: 'finished', ok: true, error: null });
    const [message] = await server.messages('arrives');
    assert.match(String(message?.title), /^❌ Failed: git@forge\.example:me\/fleet/u);
    assert.match(String(message?.message), /no space left/);
    assert.deepEqual(message?.tags, ['x', 'flake', 'warning']);
    assert.equal(message.priority, 4);
  });

  test('a repeat of an event is skipped, another event of the same run is not', async () => {
    const options = to(server.url, 'repeat', await tokenFile('token', server.token));
    const events = ['waiting', 'waiting', 'reminder', 'finished', 'finished'] as const;
    for (const event of events) assert.equal((await notify({ options, event })).ok, true);
    assert.equal((await notify({ options, event: 'reminder', at: '2026-11-22T09:31:30.000Z' })).ok, true);
    const messages = await server.messages('repeat');
    const marks = messages.map(({ message }) => String(message).split('\n').at(-1)?.split(', ')[1]?.split(' ')[0]);
    assert.deepEqual(marks, ['waiting', 'reminder', 'finished', 'reminder']);
  });

  test('a token that may only write still sends', async () => {
    const options = to(server.url, 'write-only', await tokenFile('writer', server.writeOnlyToken));
    assert.equal((await notify({ options })).ok, true);
    assert.equal((await server.messages('write-only')).length, 1);
  });

  test('a wrong token, or none, is a result that names the way out and not the token', async () => {
    const wrong = 'tk_wrongwrongwrongwrongwrongwro';
    const file = await tokenFile('wrong', wrong);
    const refused = await notify({ options: to(server.url, 'wrong', file) });
    assert.equal(refused.ok, false);
    assert.match(refused.error ?? '', /refuses the token in .*wrong.*HTTP 40[13].*testhost/);
    assert.ok(!(refused.error ?? '').includes(wrong));
    const none = await notify({ options: to(server.url, 'wrong') });
    assert.match(none.error ?? '', /name a token file/);
    assert.equal((await server.messages('wrong')).length, 0);
  });
});

test('a token file that is missing, empty, not alone or open to others is refused before anything is sent', async (t) => {
  const requests: string[] = [];
  const { url } = await withHttp(t, (request, response) => {
    requests.push(request.url ?? '');
    response.end();
  });
  const secret = 'tk_secretsecret';
  const cases = [
    [path.join(directory, 'missing'), /does not exist/],
    [await tokenFile('empty', ' \n'), /is empty/],
    [await tokenFile('two', `${secret}\n${secret}`), /on one line/],
    [await tokenFile('open', secret, 0o644), /chmod 600/],
    [await tokenFile('group', secret, 0o640), /chmod 600/],
    [directory, /not a regular file/],
  ] as const;
  for (const [file, reason] of cases) {
    const result = await notify({ options: to(url, 'topic', file) });
    assert.equal(result.ok, false);
    const error = result.error ?? '';
    assert.match(error, reason);
    assert.ok(error.includes(file));
    assert.ok(!error.includes(secret));
  }
  assert.deepEqual(requests, []);
});

test('a server that fails for a moment is tried again, and one that goes on failing is a result', async (t) => {
  let posts = 0;
  const { url } = await withHttp(t, (request, response) => {
    if (request.method === 'POST') posts += 1;
    if (posts < 2) response.writeHead(503);
    response.end(request.method === 'POST' ? '{"id":"x","event":"message","message":"x"}' : '');
  });
  assert.equal((await notify({ options: to(url, 'topic') })).ok, true);
  assert.equal(posts, 2);
  const nobody = await notify({ options: to('http://127.0.0.1:1', 'topic') });
  assert.equal(nobody.ok, false);
  assert.match(nobody.error ?? '', /ntfy server http:\/\/127\.0\.0\.1:1: /);
});

test('a server that redirects, or is no ntfy server, is a result that says so', async (t) => {
  const { url } = await withHttp(t, (_request, response) =>
    response.writeHead(301, { location: 'https://ntfy.example/' }).end(),
  );
  assert.match((await notify({ options: to(url, 'topic') })).error ?? '', /sends elsewhere.*https:\/\/ntfy\.example/);
  const other = await withHttp(t, (_request, response) => response.end('<html>hello</html>'));
  assert.match((await notify({ options: to(other.url, 'topic') })).error ?? '', /does not answer as an ntfy server/);
});

test('an answer that quotes the token does not bring it into the result', async (t) => {
  const secret = 'tk_secretsecret';
  const { url } = await withHttp(t, (request, response) =>
    response.writeHead(400).end(JSON.stringify({ error: request.headers.authorization })),
  );
  const result = await notify({ options: to(url, 'topic', await tokenFile('quoted', secret)) });
  assert.match(result.error ?? '', /Bearer \[secret\]/);
  assert.ok(!(result.error ?? '').includes(secret));
});

test('only a cancellation throws, and at once', async (t) => {
  const { url } = await withHttp(t, () => undefined); // Never answers.
  const context = new MockActivityEnvironment();
  const sent = notify({ options: to(url, 'topic') }, context);
  const started = Date.now();
  setTimeout(() => {
    context.cancel();
  }, 200);
  await assert.rejects(sent, { name: 'CancelledFailure' });
  assert.ok(Date.now() - started < 2000);
});
