import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { run, type Finished } from '../../activities/command/process.js';
import { PRUNE_OPTIONS } from '../../model/machine/prune-options.js';
import { WORKER_OPTIONS } from '../../model/machine/worker-options.js';
import { openTmux } from '../support/tmux.js';
import { missing } from '../support/tools.js';
import { wholeFile, withFolder } from '../support/scope.js';

const BIN = path.resolve(import.meta.dirname, '../../../bin');

/** Latest first; the names of the first two differ in the form of their times. */
const RUNS = ['nightly-fleet-2026-11-22T03:30:00Z', 'update-fleet-20261121-093015', 'update-fleet-20261120-093015'];

const root = await withFolder(wholeFile);
const state = path.join(root, 'state');
for (const folder of ['reports', 'builds', 'evaluations/runs'])
  await mkdir(path.join(state, folder), { recursive: true });
const [scheduled = '', unfinished = '', early = ''] = RUNS;
await writeFile(path.join(state, 'reports', `${scheduled}.json`), '{}');
await writeFile(path.join(state, 'reports', `${early}.json`), '{}');
await writeFile(path.join(state, 'reports', `${'0'.repeat(64)}.json`), '{}');
await mkdir(path.join(state, 'builds', early));
await mkdir(path.join(state, 'evaluations/runs', unfinished));

const environment = (stateRoot: string) => ({
  PATH: `${BIN}:${path.dirname(process.execPath)}:${process.env.PATH ?? ''}`,
  HOME: root,
  LOCKKEEPER_STATE_DIR: stateRoot,
});

const lockkeeper = (args: readonly string[], stateRoot = state): Promise<Finished> =>
  run(path.join(BIN, 'lockkeeper'), [...args], { cwd: root, env: environment(stateRoot) });

/** What bash offers for the last of these words, which are as Readline takes the line apart. */
async function offered(words: readonly string[], stateRoot = state): Promise<readonly string[]> {
  const script = path.join(root, 'completion.bash');
  if (!existsSync(script)) await writeFile(script, (await lockkeeper(['completion', 'bash'])).stdout);
  const { stdout, stderr } = await run(
    'bash',
    [
      '-c',
      'source "$0"; COMP_WORDBREAKS=$\' \\t\\n"\\\'><=;|&(:\'; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lockkeeper; printf "%s\\n" "${COMPREPLY[@]}"',
      script,
      'lockkeeper',
      ...words,
    ],
    { cwd: root, env: environment(stateRoot) },
  );
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
}

const ACTIONS = ['pause', 'resume', 'trigger', 'backfill'];
const EVERYWHERE = ['--version', '--state-dir', '--run-key-file', '--json', '--help'];

test('bash offers commands, their options and the values of those', async () => {
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [['re'], ['report', 'reject']],
    [['update', '--lan'], ['--land']],
    [
      ['update', '--land', ''],
      ['none', 'branch', 'merge', 'pull-request'],
    ],
    [['update', '--land', '=', 'me'], ['merge']],
    [
      ['config', ''],
      [...EVERYWHERE, 'check', 'show', 'schema'],
    ],
    [
      ['config', 'check', '--'],
      ['--file-only', '--config', ...EVERYWHERE],
    ],
    [['--json', '--state-dir', '/update', 'conf'], ['config']],
  ];
  for (const [words, expected] of cases) assert.deepEqual(await offered(words), expected, words.join(' '));
});

test('bash offers for worker, dev and prune what they take, and no global option that they do not', async () => {
  for (const [command, declared] of [
    ['worker', WORKER_OPTIONS],
    ['dev', WORKER_OPTIONS],
    ['prune', PRUNE_OPTIONS],
  ] as const) {
    const { stdout } = await lockkeeper([command, '--help']);
    const options = await offered([command, '--']);
    assert.deepEqual(
      options,
      [...stdout.matchAll(/^ {2}(?:-h, )?(--[a-z-]+)/gm)].map((found) => found[1]),
    );
    assert.equal(options.length, Object.keys(declared).length + 1);
  }
  assert.deepEqual(await offered(['worker', '--log-format', '']), ['text', 'json']);
});

test('bash offers the actions of schedules, and the options of each', async () => {
  assert.deepEqual(await offered(['schedules', '']), [...EVERYWHERE, ...ACTIONS]);
  assert.deepEqual(await offered(['schedules', 'p']), ['pause']);
  assert.deepEqual(await offered(['schedules', 'pause', '--']), ['--message', ...EVERYWHERE]);
  assert.deepEqual(await offered(['schedules', 'backfill', 'nightly', '--']), ['--from', '--to', ...EVERYWHERE]);
});

test('bash offers runs for RUN, and only there', async () => {
  const status = [...EVERYWHERE, 'latest', ...RUNS];
  assert.deepEqual(await offered(['status', '']), status);
  assert.deepEqual(await offered(['status', 'update-fleet-20261121']), ['update-fleet-20261121-093015']);
  assert.deepEqual(await offered(['approve', '-m', 'fine', 'la']), ['latest']);
  assert.deepEqual(await offered(['logs', 'latest', 'u']), []);
  assert.deepEqual(await offered(['update', 'latest', 'u']), []);
  assert.deepEqual(await offered(['--state-dir', state, 'watch', 'n'], '/nowhere'), [RUNS[0]]);
});

test('bash offers the configured instances for INSTANCE, also of a file that has faults or is named', async () => {
  assert.deepEqual(await offered(['run', 'd']), []);
  const place = path.join(root, 'lockkeeper.toml');
  await writeFile(place, '[instances.nightly]\nrepoPth = 1\n[instances.daily]\n[instances."a b"]\n');
  const other = path.join(root, 'other.json');
  await writeFile(other, '{"instances":{"weekly":{}}}');
  try {
    for (const command of [['run'], ['config', 'show'], ...ACTIONS.map((action) => ['schedules', action])]) {
      const words = await offered([...command, '']);
      assert.deepEqual(words.slice(-2), ['daily', 'nightly'], command.join(' '));
    }
    assert.deepEqual(await offered(['run', 'daily', 'n']), []);
    assert.deepEqual(await offered(['config', 'check', 'd']), []);
    assert.deepEqual(await offered(['run', '--config', other, 'w']), ['weekly']);
    assert.deepEqual(await offered(['run', '--config', '=', other, 'w']), ['weekly']);
    await writeFile(place, '[instances');
    const { exitCode, stdout, stderr } = await lockkeeper(['known-instances']);
    assert.deepEqual([exitCode, stdout, stderr], [0, '', '']);
  } finally {
    await rm(place);
  }
});

test('bash completes an id with colons, of which Readline knows the last part alone', async () => {
  assert.deepEqual(await offered(['report', 'nightly-fleet-2026-11-22T03', ':', '3']), ['30:00Z']);
  assert.deepEqual(await offered(['report', 'nightly-fleet-2026-11-22T03', ':']), ['30:00Z']);
  assert.deepEqual(await offered(['logs', 'nightly-fleet-2026-11-22T03', ':', '30', ':', '00Z', '--fo']), ['--follow']);
});

test('runs are looked up without a server, and silently where there is no state', async () => {
  assert.deepEqual((await lockkeeper(['known-runs'])).stdout, `${RUNS.join('\n')}\n`);
  assert.equal(existsSync(path.join(state, 'server')), false);
  const missing = path.join(root, 'missing');
  const { exitCode, stdout, stderr } = await lockkeeper(['known-runs'], missing);
  assert.deepEqual([exitCode, stdout, stderr], [0, '', '']);
  assert.equal(existsSync(missing), false);
  assert.deepEqual(await offered(['status', 'l'], missing), ['latest']);
  assert.doesNotMatch((await lockkeeper(['--help'])).stdout, /known-/);
});

test('zsh and fish know the same commands, options and runs', async () => {
  for (const shell of ['zsh', 'fish']) {
    const { exitCode, stdout } = await lockkeeper(['completion', shell]);
    assert.equal(exitCode, 0);
    for (const words of [
      'update',
      'completion',
      'schedules backfill',
      'health-port',
      '_lockkeeper_runs',
      '_lockkeeper_instances',
    ])
      assert.match(stdout, new RegExp(`\\b_*${words}\\b`), `${words} in ${shell}`);
    assert.doesNotMatch(stdout, /'known-|-a known-/);
  }
});

/** Descriptions with what shells take for more than letters. */
const DESCRIBED = [
  ['lockkeeper lo', 'logs', "print a target's whole build log"],
  ['lockkeeper co', 'completion', 'a completion script, for example: source <(lockkeeper completion bash)'],
  ['lockkeeper update --ma', '--main', "branch to start from (default: the remote's HEAD)"],
  ['lockkeeper update --a', '--accept-flake-config', "honour the flake's own nixConfig"],
  ['lockkeeper update --a', '--author', 'author of the commits (default: "Lockkeeper <lockkeeper@localhost>")'],
  ['lockkeeper calendar --ba', '--base-time', 'look from then on, such as "2027-10-30 20:00 UTC" (default: now)'],
] as const;

test('fish shows descriptions as they are, apostrophes included', { skip: missing('fish') }, async () => {
  const script = path.join(root, 'completion.fish');
  await writeFile(script, (await lockkeeper(['completion', 'fish'])).stdout);
  for (const [line, word, description] of DESCRIBED) {
    const { stdout, stderr } = await run('fish', ['--no-config', '-c', `source ${script}; complete -C "${line}"`], {
      cwd: root,
      env: environment(state),
    });
    assert.equal(stderr, '');
    assert.ok(stdout.split('\n').includes(`${word}\t${description}`), `${description} in\n${stdout}`);
  }
});

test(
  'zsh shows descriptions as they are, apostrophes included',
  { skip: missing('zsh') || missing('tmux') },
  async () => {
    await writeFile(path.join(root, '_lockkeeper'), (await lockkeeper(['completion', 'zsh'])).stdout);
    const setUp = [
      'autoload -U compinit',
      'compinit -D -u',
      'source ~/_lockkeeper',
      'setopt auto_list',
      "PS1='ready> '",
    ];
    await writeFile(path.join(root, '.zshrc'), `${setUp.join('\n')}\n`);
    await using tmux = await openTmux(['zsh'], { columns: 150, rows: 90 }, { ...environment(state), ZDOTDIR: root });
    await tmux.shows(/ready>/);
    for (const [line, word, description] of DESCRIBED) {
      await tmux.type('C-u', 'C-l', line.replace(/\w+$/, ''), 'Tab');
      await tmux.shows(new RegExp(`^${word} +-- ${description.replace(/[()"]/g, '\\$&')}$`, 'm'));
    }
  },
);
