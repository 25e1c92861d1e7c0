import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { remoteMessage } from '../../activities/git/remote-failure.js';
import { readEvidence } from '../../activities/nix/build/build-log.js';
import { nixErrorMessage } from '../../host/nix/error-message.js';
import { rememberSecret, withoutSecrets } from '../../host/secrets/redact.js';
import { LINE_LIMIT, linesOf, LogFollower, logTail, readEnd } from '../../activities/supervised/log.js';
import { createReadLog } from '../../activities/supervised/read-log.js';
import { gapFile } from '../../host/command-log.js';
import { stateDirectory } from '../../model/machine/state-directory.js';

interface TestLog {
  readonly file: string;
  /** Notes that bytes of the log are gone, and takes them out. */
  readonly leaveOut: (from: number, to: number, text: string) => Promise<void>;
  /** The log as it is read by who is far away, in slices of so many bytes. */
  readonly slices: (bytes: number) => Promise<readonly string[]>;
}

async function withLog(action: (log: TestLog) => Promise<void>): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-log-'));
  const file = path.join(root, 'builds', 'run', 'record', 'log');
  const read = createReadLog({ state: stateDirectory(root), machine: 'm', hostName: 'h' });
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await action({
      file,
      async leaveOut(from, to, text) {
        await writeFile(gapFile(file), JSON.stringify({ from, to }));
        await writeFile(file, text.slice(0, from) + '\0'.repeat(to - from) + text.slice(to));
      },
      async slices(bytes) {
        const found: string[] = [];
        for (let offset = 0; ;) {
          const { text, nextOffset } = await read({ logPath: file, offset, limit: bytes });
          if (nextOffset === offset) return found;
          found.push(text);
          offset = nextOffset;
        }
      },
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function linesIn(file: string, offset = 0): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const line of linesOf(file, offset)) found.push(line);
  return found;
}

const LEFT_OUT = '\n== lockkeeper: 9 B of the log are left out here ==\n';

test('what is gone from the middle of a log is passed over, and told of', async () => {
  await withLog(async ({ file, leaveOut, slices }) => {
    await leaveOut(8, 17, 'one\ntwo\nthree\nfour\nfive\n');
    assert.deepEqual(await linesIn(file), ['one', 'two', 'five']);
    assert.deepEqual(await linesIn(file, 10), ['five']);
    assert.deepEqual((await new LogFollower(file, 0).read()).lastLines, ['one', 'two', 'five']);
    assert.deepEqual(await slices(100), ['one\ntwo\n', LEFT_OUT, 'r\nfive\n']);
    assert.deepEqual(await slices(5), ['one\nt', 'wo\n', LEFT_OUT, 'r\nfiv', 'e\n']);
  });
});

test('a follower goes on behind what went before it came to it', async () => {
  await withLog(async ({ file, leaveOut }) => {
    await writeFile(file, 'one\ntw');
    const follower = new LogFollower(file, 0);
    assert.deepEqual(await follower.read(), { bytes: 6, lastLines: ['one'] });
    await leaveOut(4, 17, 'one\ntwo\nthree\nfour\nfive\n');
    assert.deepEqual(await follower.read(), { bytes: 24, lastLines: ['one', 'five'] });
  });
});

test('a line whose beginning is gone is not taken for one of Nix, however long it is', async () => {
  await withLog(async ({ file, leaveOut }) => {
    const text = `a> say error: builder for '/nix/store/x.drv' failed\nerror: the end\n`;
    await leaveOut(3, text.indexOf('error: builder'), text);
    assert.deepEqual((await readEvidence(file, 0)).nixLines, ['error: the end']);
    const long = `a> ${'x'.repeat(1024 * 1024)}error: nothing\nerror: the end\n`;
    await leaveOut(3, 10, long);
    assert.deepEqual((await readEvidence(file, 0)).nixLines, ['error: the end']);
  });
});

test('a log that its own command has cut is read as it is', async () => {
  await withLog(async ({ file, leaveOut }) => {
    await leaveOut(8, 17, 'one\ntwo\nthree\nfour\nfive\n');
    await truncate(file, 0);
    await appendFile(file, 'once\nmore\n');
    assert.deepEqual(await linesIn(file), ['once', 'more']);
  });
});

const SECRET = 'ghp_VerySecretToken0123456789';
const isClean = (text: string): boolean => !/ghp_|Secret|Token|6789/.test(text);

test('a secret that two slices share is in neither, wherever the border is', async () => {
  rememberSecret(SECRET);
  await withLog(async ({ file, slices }) => {
    await writeFile(file, `before ${SECRET} between ${SECRET}${SECRET} behind\n`);
    for (let bytes = 8; bytes < 2 * SECRET.length; bytes += 1) {
      const all = (await slices(bytes)).join('');
      assert.equal(all, 'before [secret] between [secret][secret] behind\n', `slices of ${bytes}`);
    }
  });
});

test('a secret that is being written is held back until it is whole', async () => {
  rememberSecret(SECRET);
  await withLog(async ({ file, slices }) => {
    await writeFile(file, `before ${SECRET.slice(0, 12)}`);
    assert.deepEqual(await slices(100), ['before ']);
    await appendFile(file, `${SECRET.slice(12)} behind`);
    assert.deepEqual(await slices(100), ['before [secret] behind']);
  });
});

test('lines, ends and tails that are cut within a secret hold no part of it', async () => {
  rememberSecret(SECRET);
  await withLog(async ({ file }) => {
    for (let left = 0; left <= SECRET.length; left += 1) {
      const pad = (length: number): string => 'x'.repeat(length - left);
      await writeFile(file, `${pad(LINE_LIMIT)}${SECRET}\n${pad(200)}${SECRET}\n`);
      const [line = ''] = await linesIn(file);
      // A whole one is taken out where it leaves the process.
      assert.ok(isClean(withoutSecrets(line)), line.slice(-40));
      const follower = new LogFollower(file, 0);
      const { lastLines } = await follower.read();
      assert.ok(lastLines.length === 2 && lastLines.every(isClean), lastLines.join('\n'));
      assert.ok(isClean(await readEnd(file, left + 1)));
      assert.ok(isClean(logTail(`${SECRET}${'x'.repeat(8 * 1024 - left)}`)), 'tail');
    }
  });
});

test('what Git and Nix say is cut behind the secrets that it holds', () => {
  rememberSecret(SECRET);
  for (let left = 0; left < SECRET.length; left += 1) {
    const said = `error: ${'x'.repeat(500 - left)}${SECRET}`;
    assert.ok(isClean(nixErrorMessage(said)), nixErrorMessage(said).slice(-40));
    const stderr = `${SECRET}${'x'.repeat(2048 - left)}`;
    assert.ok(isClean(remoteMessage({ exitCode: 1, stdout: '', stderr })));
  }
});

test('a secret is found though a colour stands in it, and each line of one with several lines', async () => {
  rememberSecret(SECRET);
  rememberSecret('-----BEGIN-----\nfirst-line-of-key\nsecond-line-of-key\n');
  await withLog(async ({ file }) => {
    await writeFile(file, `ghp_Very\u001b[1m${SECRET.slice(8)}\nfirst-line-of-key\n`);
    assert.equal(await readEnd(file, 1000), '[secret]\n[secret]\n');
    assert.deepEqual((await new LogFollower(file, 0).read()).lastLines, ['[secret]', '[secret]']);
  });
});
