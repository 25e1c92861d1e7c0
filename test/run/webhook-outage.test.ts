import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { until, withHouse } from '../support/lockkeeper.js';
import { kill } from '../support/stage.js';

const SECRET = 'between-the-forge-and-us';

test('webhooks that come one after another while the server is gone do not end what listens for them', async (t) => {
  const house = await withHouse(t);
  await house.dev();
  const secretFile = join(house.root, 'secret');
  await writeFile(secretFile, SECRET, { mode: 0o600 });
  const listener = house.start(['hooks', '--port', '0', '--secret-file', secretFile]);
  await until(() => listener.output().includes('Listening'), 30_000, listener.output);
  const url = /http:\S+/.exec(listener.output())?.[0] ?? '';
  const send = async (repository: string): Promise<number> => {
    const address = `https://git.example.org/me/${repository}.git`;
    const body = JSON.stringify({ ref: 'refs/heads/main', repository: { clone_url: address } });
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    const headers = { 'x-gitea-event': 'push', 'x-gitea-signature': signature };
    return (await fetch(url, { method: 'POST', headers, body })).status;
  };
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
