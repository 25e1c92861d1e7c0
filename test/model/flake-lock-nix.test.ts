import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../activities/command/process.js';
import { carriedOver } from '../../model/flake-lock/carry-over.js';
import { composeLock } from '../../model/flake-lock/compose.js';
import { movedInputs } from '../../model/flake-lock/diff.js';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';
import { repointedInputs } from '../../model/flake-lock/repointed.js';
import { serialiseLock } from '../../model/flake-lock/serialise.js';
import { commitFiles, git } from '../support/git.js';
import { otherNixes } from '../support/tools.js';

/** The Nix on the PATH, the ones that set-up got, and folders named by hand. */
const nixes: readonly { readonly name: string; readonly binDir: string | null }[] = [
  { name: 'Nix on the PATH', binDir: null },
  ...otherNixes(),
  ...(process.env.LOCKKEEPER_TEST_NIX ?? '')
    .split(':')
    .filter((binDir) => binDir !== '')
    .map((binDir) => ({ name: `Nix in ${binDir}`, binDir })),
];

const INPUTS = ['leaf', 'mid', 'other', 'plain'];
const subsets = Array.from({ length: 2 ** INPUTS.length }, (_, bits) =>
  INPUTS.filter((_name, bit) => bits & (2 ** bit)),
);
const flake = (inputs: string): string => `{ inputs = { ${inputs} }; outputs = _: { }; }\n`;

for (const nix of nixes)
  describe(nix.name, () => {
    let root = '';
    const directory = (name: string): string => path.join(root, name);
    const url = (name: string): string => `"git+file://${directory(name)}"`;

    /** Runs `nix` in a flake with a store and caches of its own; gives what it printed on standard error. */
    const runNix = async (cwd: string, ...args: readonly string[]): Promise<string> => {
      const PATH = [nix.binDir, process.env.PATH].filter((part) => part !== null).join(':');
      const env = { ...process.env, PATH, HOME: directory('home'), XDG_CACHE_HOME: directory('cache') };
      const options = ['--store', directory('store'), '--option', 'build-users-group', ''];
      const features = ['--extra-experimental-features', 'nix-command flakes'];
      const result = await run('nix', [...features, ...args, ...options], { cwd, env });
      assert.equal(result.exitCode, 0, result.stderr);
      return result.stderr;
    };
    const makeInput = async (name: string, inputs: string): Promise<void> => {
      await mkdir(directory(name));
      await git(directory(name), 'init', '--quiet', '--initial-branch=main');
      await commitFiles(directory(name), { 'flake.nix': flake(inputs) }, 'first');
    };
    const lockOf = (name: string): Promise<string> => readFile(path.join(directory(name), 'flake.lock'), 'utf8');

    before(async () => {
      root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-lock-'));
      await mkdir(directory('home'));
      await makeInput('leaf', '');
      await makeInput('tools', `leaf.url = ${url('leaf')};`);
      await makeInput('mid', `leaf.url = ${url('leaf')}; tools.url = ${url('tools')};`);
      const inputsWith = (mid: string, other: string): string =>
        `leaf.url = ${url('leaf')}; mid = { url = ${url('mid')}; ${mid} }; plain = { url = ${url('leaf')}; flake = false; };
         other = { url = ${url('mid')}; ${other} }; same.follows = "mid/tools"; itself.follows = "";`;
      await makeInput('base', inputsWith('', 'inputs.leaf.follows = "mid/leaf";'));
      await runNix(directory('base'), 'flake', 'lock');
      await commitFiles(directory('base'), {}, 'lock');
      for (const [name, inputs] of [
        ['gave', inputsWith('inputs.leaf.follows = "leaf";', 'inputs.leaf.follows = "mid/leaf";')],
        ['dropped', inputsWith('', '')],
      ] as const) {
        await cp(directory('base'), directory(name), { recursive: true });
        await commitFiles(directory(name), { 'flake.nix': flake(inputs) }, 'inputs');
        await runNix(directory(name), 'flake', 'lock');
      }
      await commitFiles(directory('leaf'), { file: 'moved' }, 'second');
      await commitFiles(directory('tools'), { file: 'moved' }, 'second');
      const inputs = `leaf.url = ${url('leaf')}; tools.url = ${url('tools')}; extra.url = ${url('leaf')};`;
      await commitFiles(directory('mid'), { 'flake.nix': flake(inputs) }, 'second');
      await cp(directory('base'), directory('candidate'), { recursive: true });
      await runNix(directory('candidate'), 'flake', 'update');
    });
    after(async () => {
      await run('chmod', ['-R', 'u+w', '--', root]);
      await rm(root, { recursive: true, force: true });
    });

    test('its locks are read, and written byte for byte', async () => {
      for (const name of ['base', 'candidate']) {
        const text = await lockOf(name);
        assert.equal(serialiseLock(parseFlakeLock(text)), text);
      }
    });

    test('its update is seen as the inputs that moved, none of them pointed elsewhere', async () => {
      const [base, candidate] = [parseFlakeLock(await lockOf('base')), parseFlakeLock(await lockOf('candidate'))];
      const moved = movedInputs(base, candidate);
      assert.deepEqual(
        moved.map(({ name, nested }) => [name, ...nested]),
        [
          ['leaf'],
          ['mid', 'mid/extra', 'mid/leaf', 'mid/tools', 'mid/tools/leaf'],
          ['other', 'other/extra', 'other/tools', 'other/tools/leaf'],
          ['plain'],
        ],
      );
      assert.equal(moved[0]?.to?.revision, await git(directory('leaf'), 'rev-parse', 'HEAD'));
      assert.deepEqual(repointedInputs(base, candidate), []);
    });

    for (const [name, stays] of [
      ['gave', 'mid'],
      ['dropped', 'other'],
    ] as const)
      test(`it takes an update as complete that is carried over onto a main that ${name} a follows`, async () => {
        const locks = {
          base: parseFlakeLock(await lockOf('base')),
          candidate: parseFlakeLock(await lockOf('candidate')),
          main: parseFlakeLock(await lockOf(name)),
        };
        assert.deepEqual(movedInputs(locks.base, locks.main), []);
        const { lock, left } = carriedOver(locks, INPUTS);
        assert.deepEqual(
          left.map((input) => input.name),
          [stays],
        );
        const text = serialiseLock(lock);
        const file = path.join(directory(name), 'flake.lock');
        await writeFile(file, text);
        await runNix(directory(name), 'flake', 'metadata', '--no-update-lock-file');
        await runNix(directory(name), 'flake', 'lock');
        assert.equal(await readFile(file, 'utf8'), text);
        assert.deepEqual(
          movedInputs(locks.main, lock).map((input) => input.name),
          INPUTS.filter((input) => input !== stays),
        );
      });

    test('it takes every composed lock as complete and leaves it byte for byte', async () => {
      const [base, candidate] = [parseFlakeLock(await lockOf('base')), parseFlakeLock(await lockOf('candidate'))];
      const [tree, file] = [directory('composed'), path.join(directory('composed'), 'flake.lock')];
      await cp(directory('base'), tree, { recursive: true });
      for (const move of subsets) {
        const composed = composeLock({ base, candidate, move });
        const text = serialiseLock(composed);
        await writeFile(file, text);
        await runNix(tree, 'flake', 'metadata', '--no-update-lock-file');
        await runNix(tree, 'flake', 'lock');
        assert.equal(await readFile(file, 'utf8'), text, `moved: ${move.join(', ')}`);
        assert.deepEqual(
          movedInputs(base, composed).map(({ name }) => name),
          move,
        );
      }
    });
  });
