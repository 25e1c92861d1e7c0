import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { withFetchProxy, type FetchProxy } from '../../activities/nix/lock/fetch-proxy.js';
import type { SourceRules } from '../../activities/nix/lock/source-rules.js';

const RULES: SourceRules = { lock: null, wishes: new Map(), allowed: [], own: [] };

/** Listens at an address of loopback; `null` where this machine does not have it. */
async function listen(host: string, onConnection: (socket: Socket) => void): Promise<[Server, number] | null> {
  const server = createServer(onConnection).listen(0, host);
  try {
    await once(server, 'listening');
  } catch {
    return null;
  }
  return [server, (server.address() as AddressInfo).port];
}

/** Asks a proxy for a host, as Curl does; the port of the proxy, too. */
async function ask({ passage }: FetchProxy, host: Buffer, port: number): Promise<[Socket, string]> {
  const { all_proxy: url = '' } = passage()?.variables ?? {};
  const { password, port: at } = new URL(url);
  const socket = connect(Number(at), '127.0.0.1');
  const word = (text: string): Buffer => Buffer.from([text.length, ...Buffer.from(text)]);
  socket.write(Buffer.from([5, 1, 2]));
  await once(socket, 'data');
  socket.write(Buffer.from([1, ...word('lockkeeper'), ...word(password)]));
  await once(socket, 'data');
  socket.write(Buffer.from([5, 1, 0, ...host, port >> 8, port & 255]));
  return [socket, `127.0.0.1:${at}`];
}

const LOOPBACK_V6 = Buffer.from([4, ...Array<number>(15).fill(0), 1]);
const LOCALHOST = Buffer.from([3, 9, ...Buffer.from('localhost')]);

test('an address of IPv6 is the one that the owner names, however either spells it', async (t) => {
  const listening = await listen('::1', (socket) => socket.end());
  if (listening === null) {
    t.skip('this machine has no IPv6');
    return;
  }
  const [server, port] = listening;
  t.after(() => server.close());
  for (const [allowed, answer] of [
    [[], 2],
    [[`[0:0::1]:${port}`], 0],
    [[`http://[0::0:1]:${port}`], 0],
  ] as const)
    await withFetchProxy({ ...RULES, allowed }, async (proxy) => {
      const [socket] = await ask(proxy, LOOPBACK_V6, port);
      const [said] = (await once(socket, 'data')) as [Buffer];
      assert.equal(said[1], answer, allowed.join(' '));
      socket.destroy();
    });
});

test('no connection begins after the end of the proxy, and Mercurial is not sent to it', async (t) => {
  const connected: Socket[] = [];
  const listening = await listen('127.0.0.1', (socket) => connected.push(socket));
  assert.ok(listening !== null);
  const [server, port] = listening;
  t.after(() => {
    for (const socket of connected) socket.destroy();
    server.close();
  });
  const client = await withFetchProxy({ ...RULES, allowed: [`localhost:${port}`] }, async (proxy) => {
    assert.equal(proxy.passage()?.variables.http_proxy, undefined);
    const [socket, at] = await ask(proxy, LOCALHOST, port);
    socket.on('error', () => socket.destroy());
    // It is being looked up.
    while (!proxy.beyond(at).includes(`localhost:${port}`)) await setImmediate();
    return socket;
  });
  await sleep(500);
  assert.equal(client.destroyed, true);
  assert.equal(connected.filter((socket) => !socket.destroyed && !socket.readableEnded).length, 0);
});
