import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../support/free-port.js';
import { until, withHouse } from '../support/lockkeeper.js';
import { kill } from '../support/stage.js';

const SECRET = 'between-the-forge-and-us';

/** Sends a signed push, and gives the status of the answer. */
async function push(url: string, repository: string, secret = SECRET): Promise<number> {
  const address = `https://git.example.org/me/${repository}.git`;
  const body = JSON.stringify({ ref: 'refs/heads/main', repository: { clone_url: address } });
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const headers = { 'x-gitea-event': 'push', 'x-gitea-signature': signature };
  return (await fetch(url, { method: 'POST', headers, body })).status;
}

test('a worker listens for webhooks itself, also after another one has come in its place', async (t) => {
  const house = await withHouse(t);
  const secretFile = join(house.root, 'secret');
  await writeFile(secretFile, SECRET, { mode: 0o600 });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const half = await house.lockkeeper(['dev', '--hook-port', String(port)]);
  assert.equal(half.exitCode, 1);
  assert.match(half.stderr, /--hook-port and --hook-secret-file belong together: give both/);

  await house.dev('--hook-port', String(port), '--hook-secret-file', secretFile);
  assert.deepEqual([await push(url, 'fleet'), await push(url, 'fleet', 'a-guess-of-a-stranger')], [404, 401]);
  await kill(house, 'both');
  await house.dev('--hook-port', String(port), '--hook-secret-file', secretFile);
  await until(async () => (await push(url, 'fleet').catch(() => 0)) === 404, 60_000);
});

test('webhooks that come one after another while the server is gone do not end what listens for them', async (t) => {
  const house = await withHouse(t);
  await house.dev();
  const secretFile = join(house.root, 'secret');
  await writeFile(secretFile, SECRET, { mode: 0o600 });
  const listener = house.start(['hooks', '--port', '0', '--secret-file', secretFile]);
  await until(() => listener.output().includes('Listening'), 30_000, listener.output);
  const url = /http:\S+/.exec(listener.output())?.[0] ?? '';
  const send = (repository: string): Promise<number> => push(url, repository);
  assert.equal(await send('before'), 404);

  await kill(house, 'both');
  // The connection of the first is given up while the others still try it.
  const answers = [];
  for (const repository of ['one', 'two', 'three', 'four']) {
    answers.push(send(repository));
    await pause(700);
  }
  for (const status of await Promise.all(answers)) assert.ok([202, 503].includes(status), String(status));
  await pause(5000);
  assert.equal(listener.child.exitCode, null, listener.output());
  await house.dev();
  await until(async () => (await send('after')) === 404, 60_000, listener.output);
});
