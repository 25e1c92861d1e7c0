import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../../activities/command/process.js';
import type { Report } from '../../model/report/data.js';
import { withFleet } from '../support/fleet.js';
import { commitFiles, git } from '../support/git.js';
import { withHouse } from '../support/lockkeeper.js';
import { wholeFile } from '../support/scope.js';

const house = await withHouse(wholeFile);

test('a nested input that comes from another public address moves and is said first; one from a private network stays until it is allowed', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const settings = path.join(fleet.root, 'gitconfig');
  const [nested, alpha] = [path.join(fleet.root, 'n.git'), fleet.inputs.alpha ?? ''];
  await mkdir(nested);
  await git(nested, 'init', '--quiet', '--initial-branch=main');
  await commitFiles(nested, { word: 'of everybody' }, 'A first one');
  const hosts = ['one.example', 'two.example', 'git.lan'].map((host) => `https://${host}/`);
  const url = `[url "file://${fleet.root}/"]\n${hosts.map((host) => `insteadOf = ${host}\n`).join('')}`;
  await writeFile(settings, `${url}[safe]\ndirectory = *\n`);
  const env = { GIT_CONFIG_GLOBAL: settings };
  const from = (host: string): Promise<string> =>
    commitFiles(
      alpha,
      {
        'flake.nix': `{ inputs.n = { url = "git+https://${host}/n.git?ref=main"; flake = false; }; outputs = { self, n }: { lib = { version = import ./version.nix; }; }; }\n`,
      },
      'Upstream changes',
    );
  const updated = async (...more: readonly string[]): Promise<readonly string[]> => {
    const ended = await house.lockkeeper(['update', fleet.checkout, '--land', 'merge', ...more], { env });
    // No closure changes.
    assert.equal(ended.exitCode, 3, ended.stderr + ended.stdout);
    return ended.stdout.split('\n').map((line) => line.trim());
  };
  await from('one.example');
  await updated();
  await from('two.example');
  const lines = await updated();
  const said = lines.findIndex((line) =>
    line.includes('now from git+https://two.example/n.git, not git+https://one.example/n.git'),
  );
  assert.ok(said > 0 && said < 10, lines.join('\n'));

  await from('git.lan');
  await fleet.moveInput('beta');
  const [, notice = ''] = await updated();
  assert.match(
    notice,
    /^alpha is held back: its new revision would fetch from git\+https:\/\/git\.lan\/n\.git, .* --allow-source /,
  );
  const accepted = await updated('--allow-source', 'git.lan');
  assert.ok(
    accepted.some((line) => line.includes('now from git+https://git.lan/n.git')),
    accepted.join('\n'),
  );
});

test('a run holds an input back that brings a private folder, says so first, and moves it once that is accepted', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }, { name: 'rhea', input: 'beta' }] });
  const folder = path.join(fleet.root, 'private');
  await mkdir(folder);
  const word = `secret-${path.basename(fleet.root)}`;
  await writeFile(path.join(folder, 'flake.nix'), `{ outputs = _: { word = "${word}"; }; }`);
  await commitFiles(
    fleet.inputs.alpha ?? '',
    {
      'flake.nix': `{ inputs.p.url = "path:${folder}"; outputs = { self, p }: { lib = { version = import ./version.nix; }; }; }\n`,
    },
    'Upstream changes',
  );
  await fleet.moveInput('beta');
  const first = await house.lockkeeper(['update', fleet.checkout]);
  assert.equal(first.exitCode, 0, first.stderr);
  const notice = `alpha is held back: its new revision would fetch from path:${folder}, where it did not fetch from before. If that is meant, accept it with --allow-source path:${folder} (allowSources).`;
  assert.equal(first.stdout.split('\n')[1]?.trim(), notice);
  const branch = Object.keys(await fleet.branches()).find((name) => name.startsWith('flake-update-')) ?? '';
  assert.equal((await git(fleet.remote, 'log', '-1', '--format=%B', branch)).split('\n')[2], notice);
  assert.equal((await run('grep', ['-rqs', '--include=flake.nix', '--', word, '/nix/store'])).exitCode, 1);

  const nothing = await house.lockkeeper(['update', fleet.checkout, '--input', 'alpha']);
  assert.equal(nothing.exitCode, 2, nothing.stderr);
  assert.equal(nothing.stdout.split('\n')[1]?.trim(), notice);

  const accepted = await house.lockkeeper(['update', fleet.checkout, '--allow-source', `path:${folder}`, '--json']);
  assert.equal(accepted.exitCode, 0, accepted.stderr);
  const { inputs, heldBack } = JSON.parse(accepted.stdout) as Report;
  assert.deepEqual(heldBack, []);
  assert.deepEqual(
    inputs.map(({ name }) => name),
    ['alpha', 'beta'],
  );
  assert.deepEqual(heldBack, []);
  const bad = await house.lockkeeper(['update', fleet.checkout, '--allow-source', '/srv/flakes']);
  assert.equal(bad.exitCode, 1);
  assert.match(bad.stderr, /--allow-source "\/srv\/flakes" is not a source: give a host .*path:\/srv\/flakes/);
});
