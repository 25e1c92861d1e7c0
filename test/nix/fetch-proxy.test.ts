import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { withFetchProxy, type FetchProxy } from '../../activities/nix/lock/fetch-proxy.js';
import { inTurns } from '../../activities/nix/lock/in-turns.js';
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

test('the proxy takes no more connections than commands have, and makes room when one ends', (t) =>
  withFetchProxy(RULES, async (proxy) => {
    // Who says nothing is cut off after a time, which does not pass here by itself.
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const port = portOf(proxy);
    const sockets: Socket[] = [];
    const closed: Socket[] = [];
    const more = async (): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      sockets.push(socket);
      socket.on('close', () => closed.push(socket));
      await once(socket, 'connect');
      return socket;
    };
    try {
      for (let number = 0; number < 260; number += 1) await more();
      while (closed.length < 4) await setImmediate();
      assert.deepEqual(closed, sockets.slice(256));
      sockets[0]?.destroy();
      // As soon as the proxy has seen it.
      for (let isTaken = false; !isTaken;) {
        const socket = await more();
        socket.write(Buffer.from([5, 1, 2]));
        isTaken = await Promise.race([once(socket, 'data').then(() => true), once(socket, 'close').then(() => false)]);
      }
      const silent = sockets[1];
      assert.ok(silent !== undefined && !silent.destroyed);
      t.mock.timers.tick(5_000);
      await once(silent, 'close');
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  }));

const portOf = ({ passage }: FetchProxy): number => Number(new URL(passage()?.variables.all_proxy ?? '').port);

test('who does not know the password of a command gets nothing, nor who asks for more than a connection', () =>
  withFetchProxy({ ...RULES, allowed: ['localhost'] }, async (proxy) => {
    const { all_proxy: url = '' } = proxy.passage()?.variables ?? {};
    const { password } = new URL(url);
    const said = async (...messages: readonly (readonly number[])[]): Promise<string> => {
      const socket = connect(portOf(proxy), '127.0.0.1').on('error', () => undefined);
      let answers = '';
      socket.on('data', (chunk: Buffer) => (answers += chunk.toString('hex')));
      for (const message of messages) {
        socket.write(Buffer.from(message));
        await setImmediate();
      }
      await once(socket, 'close');
      return answers;
    };
    const word = (text: string): readonly number[] => [text.length, ...Buffer.from(text)];
    const knows = [1, ...word('lockkeeper'), ...word(password)];
    assert.equal(await said([5, 1, 0]), '', 'without a password');
    assert.equal(await said([4, 1, 0, 80, 127, 0, 0, 1, 0]), '', 'SOCKS 4');
    assert.equal(await said([5, 1, 2], [1, ...word('lockkeeper'), ...word('guess')]), '05020101');
    for (const command of [2, 3])
      assert.equal(await said([5, 1, 2], knows, [5, command, 0, 1, 127, 0, 0, 1, 0, 80]), '05020100');
    // By an address that is not the name that the owner has allowed.
    assert.match(await said([5, 1, 2], knows, [5, 1, 0, 1, 127, 0, 0, 1, 0, 80]), /^050201000502/);
  }));

test('few names are looked up at once; the others wait, and who asks for the same shares the answer', async () => {
  const open = new Map<string, (answer: string | Error) => void>();
  const begun: string[] = [];
  const ask = inTurns(
    (name) =>
      new Promise<string>((resolve, reject) => {
        begun.push(name);
        open.set(name, (answer) => {
          if (typeof answer === 'string') resolve(answer);
          else reject(answer);
        });
      }),
  );
  const answers = ['a', 'b', 'c', 'a', 'd'].map((name) =>
    ask(name).catch((error: unknown) => (error as Error).message),
  );
  await setImmediate();
  assert.deepEqual(begun, ['a', 'b']);
  // One that fails makes room as well.
  open.get('b')?.(new Error('no b'));
  await setImmediate();
  assert.deepEqual(begun, ['a', 'b', 'c']);
  open.get('a')?.('1');
  await setImmediate();
  assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
  open.get('c')?.('3');
  open.get('d')?.('4');
  assert.deepEqual(await Promise.all(answers), ['1', 'no b', '3', '1', '4']);
  // Nothing is remembered.
  void ask('a');
  await setImmediate();
  assert.deepEqual(begun.at(-1), 'a');
});
