import assert from 'node:assert/strict';
import { chown, lchown, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, type Finished } from '../../activities/command/process.js';
import { wholeFile, withFolder } from '../support/scope.js';

const COMMAND = fileURLToPath(new URL('../../../bin/lockkeeper', import.meta.url));
const GOOD = '[instances.daily]\nrepoPath = "/src/home"\nautoMerge = true\n';

const folder = await withFolder(wholeFile);

const config = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> =>
  run(COMMAND, ['config', ...args], { cwd: folder, env: { ...process.env, NO_COLOR: '1', ...env } });

const file = async (name: string, content: string): Promise<string> => {
  const place = path.join(folder, name);
  await mkdir(path.dirname(place), { recursive: true });
  await writeFile(place, content);
  return place;
};

test('the file is taken from --config, else $LOCKKEEPER_CONFIG, else the current folder; JSON is as good as TOML', async () => {
  await file('lockkeeper.toml', GOOD);
  const json = await file('elsewhere/other.json', '{"instances":{"nightly":{"repoUrl":"github:a/b"}}}');
  const named = await file('named.toml', '');
  const found = await Promise.all([
    config(['check', '--file-only', '--json']),
    config(['check', '--file-only', '--json'], { LOCKKEEPER_CONFIG: json }),
    config(['check', '--file-only', '--json', '--config', named], { LOCKKEEPER_CONFIG: json }),
  ]);
  const checked = found.map(({ stdout }) => JSON.parse(stdout) as { readonly instances: readonly string[] });
  assert.deepEqual(
    checked.map(({ instances }) => instances),
    [['daily'], ['nightly'], []],
  );
});

test(
  'a file that another account has put into the current folder is not taken, unless it is named',
  { skip: process.geteuid?.() !== 0 },
  async () => {
    const [shared, own] = [path.join(folder, 'shared'), await file('own/lockkeeper.toml', GOOD)];
    const theirs = await file('shared/lockkeeper.toml', GOOD);
    await chown(theirs, 12345, 12345);
    const here = (args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Finished> =>
      run(COMMAND, ['config', 'check', '--file-only', ...args], { cwd: shared, env: { ...process.env, ...env } });
    const says = /shared\/lockkeeper\.toml cannot be read: it belongs to another account \(user 12345\), .* --config\./;
    const refused = await here();
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, says);
    for (const accepted of [await here(['--config', theirs]), await here([], { SUDO_UID: '12345' })])
      assert.equal(accepted.exitCode, 0, accepted.stderr);
    // Nor by a link of theirs to what is ours.
    await rm(theirs);
    await symlink(own, theirs);
    assert.equal((await here()).exitCode, 0);
    await lchown(theirs, 12345, 12345);
    assert.match((await here()).stderr, says);
  },
);

test('an instance is shown with its defaults, and a mistyped name is answered with the right one', async () => {
  const place = await file('shown.toml', GOOD);
  const { stdout } = await config(['show', 'daily', '--config', place]);
  assert.match(stdout, /^\[instances\.daily\]\n/);
  for (const line of ['land = "merge"', 'autoMerge = true', 'schedule = [ "weekly" ]', 'randomizedDelaySec = 3600'])
    assert.ok(stdout.split('\n').includes(line), line);
  // What is shown is a configuration again.
  assert.equal((await config(['check', '--file-only', '--config', await file('again.toml', stdout)])).exitCode, 0);
  const { exitCode, stderr } = await config(['show', 'dayly', '--config', place]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /has no instance "dayly"\. Did you mean "daily"\?/);
});

const unreadable: readonly (readonly [what: string, name: string, content: string | null, message: RegExp])[] = [
  ['a file that is not there', 'none.toml', null, /none\.toml cannot be read: it does not exist\./],
  ['broken TOML', 'broken.toml', '[instances\n', /broken\.toml is not valid TOML: .*\n+1: {2}\[instances/],
  ['broken JSON', 'broken.json', '{', /broken\.json is not valid JSON: /],
  [
    'a fault',
    'one.toml',
    '[instances.x]\nrepoPth = "/a"\nrepoUrl = "github:a/b"',
    /one\.toml: instances\.x\.repoPth "\/a" is unknown/,
  ],
  [
    'a repository that is a path',
    'path.toml',
    '[instances.x]\nrepoUrl = "/src"',
    /path\.toml: instances\.x\.repoUrl "\/src" is a path: give it as repoPath/,
  ],
  [
    'a repository with a password',
    'password.toml',
    '[instances.x]\nrepoUrl = "https://me:secret@example.org/a.git"',
    /password\.toml: instances\.x\.repoUrl: The address https:\/\/…@example\.org\/a\.git holds a password/,
  ],
  [
    'a schedule in several time zones',
    'zones.toml',
    '[instances.x]\nrepoPath = "/src"\nschedule = ["04:00 UTC", "05:00 Europe/Berlin"]',
    /zones\.toml: instances\.x\.schedule .* uses several time zones \(UTC, Europe\/Berlin\)/,
  ],
  [
    'several time zones, an address and a misspelt option',
    'three.toml',
    '[instances.x]\nrepoUrl = "github:a/b?ref=c"\nautoMrege = true\nschedule = ["04:00 UTC", "05:00 Europe/Berlin"]',
    /three\.toml has 3 errors:\n {2}instances\.x\.autoMrege .*\n {2}instances\.x\.repoUrl .*names a branch.*\n {2}instances\.x\.schedule .*several time zones/,
  ],
  [
    'several faults',
    'two.toml',
    '[instances.x]\nrepoPth = 1\ndryRun = 2',
    /two\.toml has 2 errors:\n {2}instances\.x\.repoPth.*\n {2}instances\.x\.dryRun/,
  ],
];

for (const [what, name, content, message] of unreadable)
  test(`${what} is one message that names the file, and exit status 1`, async () => {
    const place = content === null ? path.join(folder, name) : await file(name, content);
    const { exitCode, stdout, stderr } = await config(['check', '--file-only', '--config', place]);
    assert.deepEqual([exitCode, stdout], [1, '']);
    assert.equal(stderr.match(/^error: /gm)?.length, 1, stderr);
    assert.match(stderr, message);
  });

test('a run key that the file names is the one of run and apply, where no other is given', async () => {
  const place = await file('key.toml', 'runKeyFile = "/nowhere/configured"\n');
  const server = { TEMPORAL_ADDRESS: '127.0.0.1:1', LOCKKEEPER_RUN_KEY_FILE: '' };
  for (const [env, key] of [
    [server, '/nowhere/configured'],
    [{ ...server, LOCKKEEPER_RUN_KEY_FILE: '/nowhere/given' }, '/nowhere/given'],
  ] as const) {
    const { exitCode, stderr } = await run(COMMAND, ['apply', '--config', place], { env: { ...process.env, ...env } });
    assert.equal(exitCode, 1);
    assert.match(stderr, new RegExp(`^error: .*${key}`));
  }
});

test('an instance that does not wait for the approval of another one of its repository is noted', async () => {
  const place = await file(
    'impatient.toml',
    `[defaults]\nrepoPath = "/src/home"\n[instances.asks.approval]\nenable = true\n[instances.daily]\nautoMerge = true\n[instances.patient]\ndryRun = true\nrepositoryWaitSec = "7d"\n[instances.other]\nrepoPath = "/src/other"\n`,
  );
  const { stdout } = await config(['check', '--file-only', '--json', '--config', place]);
  const { notes } = JSON.parse(stdout) as { readonly notes: readonly string[] };
  assert.deepEqual(
    notes.filter((note) => note.includes('waits')),
    [
      'instances.daily waits at most 1 h 00 min for its repository, which instances.asks may keep for 168 h 00 min while it asks for approval: runs fail then, unless repositoryWaitSec is as long',
    ],
  );
});

test('what an instance has and does not use is noted', async () => {
  const place = await file(
    'idle.toml',
    `${GOOD}ntfyServer = "https://ntfy.example.org"\nskipUpdate = true\nmaxBuilds = 9\n`,
  );
  const { exitCode, stderr } = await config(['check', '--file-only', '--config', place]);
  assert.equal(exitCode, 0);
  assert.match(stderr, /note: instances\.daily sends no ntfy messages: ntfyTopic is not given\./);
  assert.match(stderr, /note: instances\.daily builds without a limit: maxBuilds counts for updates only\./);
});

test('an alarm of which nobody would hear is noted, also where half of a notifier is given', async () => {
  const place = await file('alarm.toml', `${GOOD}ntfyTopic = "nix"\nsuccessAlarmSec = "2d"\n`);
  const { stderr } = await config(['check', '--file-only', '--config', place]);
  assert.match(
    stderr,
    /note: instances\.daily has successAlarmSec, and tells nobody: give ntfyServer and ntfyTopic, or/,
  );
});
