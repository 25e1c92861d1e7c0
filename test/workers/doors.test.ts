import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { isAlive } from '../../host/processes.js';
import { listensAt } from '../../host/listening.js';
import type { ServerRecord } from '../../model/machine/state-directory.js';
import { findBrowser, startBrowser, type Page } from '../support/browser.js';
import { openHouse, until, withHouse } from '../support/lockkeeper.js';
import { CLOSED_TO_BROWSERS } from '../../workers/server-ports.js';
import type { Scope } from '../support/scope.js';

const KEEPER = fileURLToPath(new URL('../../workers/server-keeper.js', import.meta.url));
const EVIL = 'evil.test';
const START = JSON.stringify({
  workflowType: { name: 'updateFlake' },
  taskQueue: { name: 'lockkeeper' },
  requestId: 'evil',
});

/** An embedded server, and all addresses that it and its keeper listen at. */
async function withServer(scope: Scope): Promise<readonly [ServerRecord, readonly string[]]> {
  const house = await withHouse(scope);
  spawn(process.execPath, [KEEPER, '--state-dir', house.state.root], { detached: true, stdio: 'ignore' });
  await until(
    async () => {
      const found = await house.server().catch(() => null);
      return found !== null && (await isAlive(found.server));
    },
    30_000,
    () => 'no server runs',
  );
  const server = await house.server();
  return [server, [...(await listensAt(server.server.pid)), ...(await listensAt(server.keeper.pid))]];
}

/** Ids of all runs that the server has, of whatever type. */
async function runsOf({ address }: ServerRecord): Promise<readonly string[]> {
  const connection = await Connection.connect({ address });
  try {
    const found: string[] = [];
    for await (const { workflowId } of new Client({ connection }).workflow.list()) found.push(workflowId);
    return found.filter((id) => !id.startsWith('temporal-sys'));
  } finally {
    await connection.close();
  }
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly cookies: readonly string[];
}

/** Asks as no browser would: with any header. Status 0: no HTTP came back. */
function ask(
  address: string,
  path: string,
  {
    method = 'GET',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answered> {
  const [host = '', port = ''] = address.split(':');
  return new Promise((resolve) => {
    const asked = request({ host, port, path, method, headers, timeout: 5000 }, (answer) => {
      let text = '';
      answer.on('data', (data: Buffer) => (text += data.toString()));
      answer.on('close', () => {
        resolve({ status: answer.statusCode ?? 0, text, cookies: answer.headers['set-cookie'] ?? [] });
      });
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => {
      resolve({ status: 0, text: '', cookies: [] });
    });
    asked.end(body);
  });
}

const uiAddress = ({ uiUrl }: ServerRecord): string => new URL(uiUrl).host;

test('the embedded server listens on loopback alone', async (t) => {
  const [server, addresses] = await withServer(t);
  assert.ok(addresses.includes(server.address), addresses.join(' '));
  assert.ok(addresses.includes(uiAddress(server)), addresses.join(' '));
  for (const address of addresses) assert.match(address, /^127\./);
  return Promise.resolve();
});

test('a server that lets web pages in, as that of 0.1.0 does, is replaced by the next keeper at the same addresses', async () => {
  const house = await openHouse();
  const start = async (): Promise<ServerRecord> => {
    spawn(process.execPath, [KEEPER, '--state-dir', house.state.root], { detached: true, stdio: 'ignore' });
    await until(
      async () => {
        const found = await house.server().catch(() => null);
        return found?.uiBehind !== undefined && (await isAlive(found.keeper)) && (await isAlive(found.server));
      },
      30_000,
      () => 'no server runs',
    );
    return await house.server();
  };
  try {
    const { uiBehind, ...earlier } = await start();
    assert.ok(uiBehind);
    process.kill(earlier.keeper.pid, 'SIGKILL');
    await writeFile(house.state.serverRecord, JSON.stringify(earlier));
    const next = await start();
    assert.equal(await isAlive(earlier.server), false);
    assert.deepEqual([next.address, next.uiUrl], [earlier.address, earlier.uiUrl]);
  } finally {
    await house.close();
  }
});

test('no HTTP request to any port of the embedded server starts a run or reads one, whatever host it names', async (t) => {
  const [server, addresses] = await withServer(t);
  const ui = uiAddress(server);
  const behind = `${server.uiBehind?.host ?? ''}:${server.uiBehind?.port ?? 0}`;
  const paths = ['/api/v1/namespaces/default/workflows/evil', '/api/v1/namespaces/default/schedules/evil'];
  const readable = ['/api/v1/namespaces', '/api/v1/namespaces/default/workflows', '/api/v1/cluster-info', '/cluster'];
  for (const address of addresses.filter((each) => each !== ui && each !== behind)) {
    for (const host of [address, 'localhost', EVIL, '/', '*'])
      for (const headers of [{ host }, { host, origin: `http://${EVIL}`, 'content-type': 'text/plain' }]) {
        for (const path of paths) {
          const { status, text } = await ask(address, path, { method: 'POST', headers, body: START });
          assert.ok(status === 0 || status >= 400, `${address}${path} by ${host}: ${status} ${text}`);
        }
        for (const path of readable) {
          const { status, text } = await ask(address, path, { headers });
          assert.ok(status === 0 || status >= 400, `${address}${path} by ${host}: ${status} ${text}`);
        }
      }
  }
  assert.deepEqual(await runsOf(server), []);
});

test('the Temporal UI answers by its own names, and acts for no page of another site', async (t) => {
  const [server] = await withServer(t);
  const ui = uiAddress(server);
  const [, port = ''] = ui.split(':');
  const list = '/api/v1/namespaces';
  await until(
    async () => (await ask(ui, list)).status === 200,
    10_000,
    () => 'the UI does not answer',
  );
  for (const host of [ui, `localhost:${port}`, 'localhost:8233', 'LOCALHOST'])
    assert.equal((await ask(ui, list, { headers: { host } })).status, 200, host);
  for (const host of [EVIL, `${EVIL}:${port}`, `127.0.0.1.${EVIL}`, '127.0.0.1:x', '0.0.0.0']) {
    const { status, text } = await ask(ui, list, { headers: { host } });
    assert.ok(status === 403 || status === 400, `${host}: ${status} ${text}`);
  }
  // Who has the cookie of the page gets through the UI's own check: so does a page by a name that was made to mean 127.0.0.1.
  const token = /_csrf=([^;]+)/.exec((await ask(ui, '/')).cookies.join())?.[1] ?? '';
  const act = async (id: string, headers: Record<string, string>): Promise<number> => {
    const csrf = { cookie: `_csrf=${token}`, 'x-csrf-token': token, 'content-type': 'text/plain' };
    const path = `/api/v1/namespaces/default/workflows/${id}`;
    return (await ask(ui, path, { method: 'POST', headers: { ...csrf, ...headers }, body: START })).status;
  };
  const own = { host: ui, origin: `http://${ui}` };
  assert.equal(await act('rebound', { host: `${EVIL}:${port}`, origin: `http://${EVIL}:${port}` }), 403);
  assert.equal(await act('other-site', { ...own, origin: `http://${EVIL}` }), 403);
  assert.equal(await act('other-port', { ...own, origin: 'http://127.0.0.1:1' }), 403);
  assert.equal(await act('no-origin', { ...own, origin: 'null' }), 403);
  assert.equal(await act('cross', { host: ui, 'sec-fetch-site': 'cross-site' }), 403);
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  assert.equal((await ask(ui, '/', { headers: { ...link, 'sec-fetch-dest': 'document' } })).status, 200, 'a link');
  assert.equal((await ask(ui, '/', { headers: { ...link, 'sec-fetch-dest': 'iframe' } })).status, 403, 'a frame');
  assert.deepEqual(await runsOf(server), []);
  assert.equal(await act('by-the-owner', own), 200);
  await until(
    async () => (await runsOf(server)).join() === 'by-the-owner',
    10_000,
    () => 'the UI starts nothing for its owner',
  );
});

/** All that a page can send without asking: by script, by form, and what it could do at a name that it made mean 127.0.0.1. */
const ATTACK = `async (addresses) => {
  const body = ${JSON.stringify(START)};
  const ask = (url, how) =>
    fetch(url, { credentials: 'include', signal: AbortSignal.timeout(2000), ...how }).catch(() => null);
  const attack = async (address) => {
    const path = 'http://' + address + '/api/v1/namespaces/default/workflows/evil';
    navigator.sendBeacon(path, body);
    const frame = document.body.appendChild(document.createElement('iframe'));
    frame.name = address;
    const form = document.body.appendChild(document.createElement('form'));
    Object.assign(form, { action: path, method: 'POST', enctype: 'text/plain', target: address });
    const field = form.appendChild(document.createElement('input'));
    Object.assign(field, { name: body.slice(0, -1) + ',"x":"', value: '"}' });
    form.submit();
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'application/json'];
    await Promise.all([
      ...types.flatMap((type) => ['no-cors', 'cors'].map((mode) =>
        ask(path, { method: 'POST', mode, headers: { 'content-type': type }, body }))),
      ask(path, { method: 'POST', headers: { authorization: 'x' }, body }),
    ]);
    const read = await Promise.all(['/api/v1/namespaces', '/metrics', '/'].map(async (part) => {
      const answer = await ask('http://' + address + part);
      const text = answer?.ok ? await answer.text().catch(() => '') : '';
      return text === '' ? [] : [address + part + ': ' + text.slice(0, 80)];
    }));
    return read.flat();
  };
  return (await Promise.all(addresses.map(attack))).flat();
}`;

const browser = await findBrowser();
const skip = browser === null ? 'there is no Chromium here' : false;

test('a browser connects to none of the ports at which the server listens for nobody', { skip }, async () => {
  const window = await startBrowser(browser ?? '', []);
  try {
    for (const port of CLOSED_TO_BROWSERS)
      assert.equal((await window.open(`http://127.0.0.1:${port}/`)).failure, 'net::ERR_UNSAFE_PORT', String(port));
  } finally {
    await window.close();
  }
});

test(
  'a page of another site in a real browser, also one by a name that was made to mean 127.0.0.1, starts nothing and reads nothing',
  { skip },
  async (t) => {
    const [server, addresses] = await withServer(t);
    const site = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<body>evil</body>'));
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    const { port } = site.address() as AddressInfo;
    const window = await startBrowser(browser ?? '', [EVIL]);
    const attack = (page: Page, targets: readonly string[]): Promise<unknown> =>
      page.run(`(${ATTACK})(${JSON.stringify(targets)})`);
    try {
      const own = await window.open(server.uiUrl);
      assert.equal(own.failure, null, 'the owner sees the UI');
      await until(
        async () => (await own.run(`fetch('/api/v1/namespaces').then((answer) => answer.status)`)) === 200,
        10_000,
        () => 'the UI answers nothing to its owner',
      );

      const names = addresses.flatMap((each) => [
        each,
        each.replace(/^.*:/, 'localhost:'),
        each.replace(/^.*:/, `${EVIL}:`),
      ]);
      const page = await window.open(`http://${EVIL}:${port}/`);
      assert.equal(await page.run('document.body.innerText'), 'evil');
      assert.deepEqual(await attack(page, names), []);

      for (const address of addresses) {
        const rebound = address.replace(/^.*:/, `${EVIL}:`);
        const there = await window.open(`http://${rebound}/api/v1/namespaces`);
        const shown = String(await there.run('document.body.innerText'));
        assert.doesNotMatch(shown, /namespaceInfo/, address);
        // There is a page to act from where something answered.
        if (there.failure === null) assert.deepEqual(await attack(there, [rebound]), []);
      }
      assert.deepEqual(await runsOf(server), []);
    } finally {
      await window.close();
      site.close();
    }
  },
);
