import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../../activities/command/process.js';
import { withFleet, withMovedFleet, type Fleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { until } from '../support/lockkeeper.js';
import { withServedHouse } from '../support/runs.js';
import { atEndOf, type Scope, wholeFile, withFolder } from '../support/scope.js';

const { house } = await withServedHouse(wholeFile);

async function nix(cwd: string, ...args: readonly string[]): Promise<string> {
  const done = await run('nix', ['--extra-experimental-features', 'nix-command flakes', ...args], { cwd });
  assert.equal(done.exitCode, 0, `nix ${args.join(' ')}: ${done.stderr}`);
  return done.stdout.trim();
}

/** Builds what an update will build, puts it into a binary cache in a folder, and takes it out of the store again. */
async function fillCache(fleet: Fleet, folder: string): Promise<void> {
  const clone = path.join(fleet.root, 'cache-builder');
  await git(fleet.root, 'clone', '--quiet', fleet.remote, clone);
  await nix(clone, 'flake', 'update');
  const host = '.#nixosConfigurations.athena.config.system.build.toplevel';
  await nix(clone, 'build', '--no-link', host);
  const output = await nix(clone, 'eval', '--raw', host);
  await nix(clone, 'copy', '--to', `file://${folder}?compression=none`, output);
  const closure = (await nix(clone, 'path-info', '--recursive', output)).split('\n');
  await nix(clone, 'store', 'delete', ...closure);
}

/** A binary cache of a folder over HTTP. */
interface Cache {
  readonly url: string;
  /** `broken`: every archive ends in its middle; `down`: nobody answers. */
  state: 'up' | 'broken' | 'down';
  /** Archives that were asked for. */
  archives: number;
  readonly server: Server;
}

async function serveCache(folder: string): Promise<Cache> {
  const server = createServer((request, response) => {
    void (async () => {
      const file = path.join(folder, new URL(request.url ?? '/', 'http://cache').pathname);
      const there = await stat(file).catch(() => null);
      if (cache.state === 'down') request.socket.destroy();
      else if (there?.isFile() !== true) response.writeHead(404).end();
      else {
        const content = await readFile(file);
        const isArchive = file.endsWith('.nar');
        cache.archives += isArchive ? 1 : 0;
        response.setHeader('Content-Length', content.length);
        if (isArchive && cache.state === 'broken') {
          response.write(content.subarray(0, content.length / 2), () => request.socket.destroy());
        } else response.end(content);
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const cache: Cache = { url: `http://127.0.0.1:${port}`, state: 'up', archives: 0, server };
  return cache;
}

/** A fleet whose update is due, a cache that holds all of it, and the options that name the cache. */
async function withCache(scope: Scope): Promise<readonly [Fleet, Cache, readonly string[]]> {
  const fleet = await withMovedFleet(scope, { hosts: [{ name: 'athena' }], substitutes: true }, ['alpha']);
  const folder = await withFolder(scope);
  await fillCache(fleet, folder);
  const cache = await serveCache(folder);
  atEndOf(scope, () => {
    cache.server.closeAllConnections();
    cache.server.close();
  });
  const settings = { substituters: cache.url, 'require-sigs': 'false', 'download-attempts': '1' };
  return [fleet, cache, Object.entries(settings).flatMap(([name, value]) => ['--nix-option', name, value])];
}

test('a binary cache that breaks off in mid-download is no verdict: the host is fetched once it is back', async (t) => {
  const [fleet, cache, options] = await withCache(t);
  cache.state = 'broken';
  const before = await fleet.buildsOf('athena');
  const running = house.start(['update', fleet.checkout, ...options]);
  await until(
    () => /athena: .*is tried again in \d+ s: /.test(running.output()),
    60_000,
    () => running.output(),
  );
  cache.state = 'up';
  assert.equal(await running.ended, 0, running.output());
  assert.ok(cache.archives >= 2, 'it was asked for again');
  assert.equal(await fleet.buildsOf('athena'), before, 'nothing was built');
});

test('a binary cache that builds of probes cannot reach is named while they are made', async (t) => {
  const fleet = await withFleet(t, {
    hosts: [{ name: 'athena', seconds: 4, brokenBy: [['alpha']] }],
    substitutes: true,
  });
  for (const input of ['alpha', 'beta']) await fleet.moveInput(input);
  const down = ['substituters', 'http://127.0.0.1:9', 'download-attempts', '1'];
  const options = ['--nix-option', ...down.slice(0, 2), '--nix-option', ...down.slice(2)];
  const { exitCode, stderr } = await house.lockkeeper(['update', fleet.checkout, '--dry-run', ...options]);
  assert.equal(exitCode, 3, stderr);
  assert.match(stderr, / probes 1 to 2 .* \(athena: a host cannot be reached: 127\.0\.0\.1:9\)\n/);
});

test('a binary cache that is down keeps nothing from being built', async (t) => {
  const [fleet, cache, options] = await withCache(t);
  cache.state = 'down';
  const before = await fleet.buildsOf('athena');
  const { exitCode, stderr } = await house.lockkeeper(['update', fleet.checkout, ...options]);
  assert.equal(exitCode, 0, stderr);
  assert.equal(await fleet.buildsOf('athena'), before + 1);
});
