import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createUploadClosure } from '../../activities/caches/upload-closure.js';
import { run } from '../../activities/command/process.js';
import type { UploadInput, UploadResult } from '../../model/contract/activities.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import type { Cache } from '../../model/caches/types.js';
import { withPutCache, withSecretKey } from '../support/put-cache.js';
import { withFolder } from '../support/scope.js';
import { otherNixes } from '../support/tools.js';

/** A path that refers to another one; nobody has built them before. */
const closure = (tag: string): string => `
  let make = name: text: derivation {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" "echo \${text} > $out" ];
  };
  in make "top-${tag}" "\${make "below-${tag}" "below"}"`;

for (const nix of [{ name: 'the Nix of this machine', binDir: null }, ...otherNixes().slice(-1)])
  test(`what nix copy passes over in silence is found and mended, or named (${nix.name})`, async (t) => {
    const [state, folder, put, key] = [
      await withFolder(t),
      await withFolder(t),
      await withPutCache(t),
      await withSecretKey(t),
    ];
    const PATH = nix.binDir === null ? process.env.PATH : `${nix.binDir}:${process.env.PATH ?? ''}`;
    const machine = { state: stateDirectory(state), machine: 'machine', hostName: 'host' };
    const own = process.env.PATH;
    process.env.PATH = PATH;
    t.after(() => {
      process.env.PATH = own;
    });
    const env = { ...process.env, XDG_CACHE_HOME: path.join(state, 'cache') };
    const tag = path.basename(folder).toLowerCase();
    const built = await run('nix-build', ['--no-out-link', '--option', 'substitute', 'false', '-E', closure(tag)], {
      env,
    });
    assert.equal(built.exitCode, 0, built.stderr);
    const outPath = built.stdout.trim();
    const plainly = async (to: string): Promise<void> => {
      const copied = await run('nix', ['--extra-experimental-features', 'nix-command', 'copy', '--to', to, outPath], {
        env,
      });
      assert.equal(copied.exitCode, 0, copied.stderr);
    };
    let runs = 0;
    const upload = async (cache: Partial<Cache>): Promise<UploadResult> => {
      runs += 1;
      const input: UploadInput = {
        ...{ run: `run-${runs}`, head: 'a'.repeat(40), target: { kind: 'nixos', name: 'athena' }, outPath, uploads: 2 },
        cache: { to: `file://${folder}`, required: true, priority: 1, ...cache },
        nix: { options: [], impure: false, acceptFlakeConfig: false },
        takeoverSeconds: 60,
      };
      return await new MockActivityEnvironment().run(createUploadClosure(machine), input);
    };
    const signed = { secretKeyFile: key.file };
    const files = async (): Promise<readonly string[]> =>
      (await readdir(folder, { recursive: true })).filter((name) => /narinfo$|^nar\/./.test(name));
    const outcome = async (cache: Partial<Cache>): Promise<readonly unknown[]> => {
      const { outcome: what, paths, reason } = await upload(cache);
      return [what, paths, reason];
    };

    await plainly(`file://${folder}`);
    assert.deepEqual(await outcome(signed), ['uploaded', 0, null], 'what had no signature is signed, not copied');
    for (const name of (await files()).filter((each) => each.endsWith('narinfo')))
      assert.match(await readFile(path.join(folder, name), 'utf8'), /^Sig: test-1:/m);
    assert.deepEqual(await outcome(signed), ['nothing-to-do', 0, null]);

    const [narInfo = '', archive = ''] = [
      (await files()).find((name) => name.endsWith('narinfo')),
      (await files()).find((name) => name.startsWith('nar/')),
    ];
    await rm(path.join(folder, narInfo));
    assert.deepEqual(await outcome(signed), ['uploaded', 1, null], 'Nix remembers that it was there');
    await rm(path.join(folder, archive));
    assert.deepEqual(await outcome(signed), ['uploaded', 1, null], 'Nix looks at no archive');
    assert.deepEqual(await outcome(signed), ['nothing-to-do', 0, null]);

    const other = await withSecretKey(t, 'other-1');
    const untrusted = await upload({ trustedKeys: [other.trusted] });
    assert.equal(untrusted.outcome, 'failed');
    assert.match(
      untrusted.reason ?? '',
      /^2 of 2 paths are not signed by a key that hosts trust, such as \/nix\/store\//,
    );
    const text = await readFile(path.join(folder, narInfo), 'utf8');
    await writeFile(path.join(folder, narInfo), text.replace(/^NarHash: .*$/m, `NarHash: sha256:${'0'.repeat(52)}`));
    assert.match((await upload(signed)).reason ?? '', /^1 of 2 paths is there with other content than this machine/);

    const over = { ...signed, to: put.url };
    assert.deepEqual(await outcome(over), ['uploaded', 2, null]);
    put.faults = [[/^HEAD \/nar\//, 404]];
    assert.match((await upload(over)).reason ?? '', /^2 of 2 paths are without an archive, such as /);
    put.faults = [[/narinfo$/, 401]];
    const refused = await upload(over);
    assert.match(refused.reason ?? '', /^the cache http:\S+ does not say what it has: HTTP 401$/);
    assert.equal(refused.again, undefined);
    assert.match(
      (await upload({ secretKeyFile: '/nowhere' })).reason ?? '',
      /^the secret key \/nowhere does not exist/,
    );
  });
