import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { commandsOf } from '../../model/contract/asked-commands.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import { createActivities } from '../../workers/activities.js';
import { failure } from '../support/failure.js';

const nix = { options: [], impure: false, acceptFlakeConfig: false };
const cache = { to: 'command:///opt/evil', readUrl: 'https://cache.example.org', required: true, priority: 50 };

const program = (name: string): string =>
  `command "${name}" is not allowed on this worker (it may run /usr/bin/true): ask for one of these`;
const setting = (name: string, value: string, leaveOut: string): string =>
  `${name} ${JSON.stringify(value)} is never allowed on a worker that has --allow-command: leave out ${leaveOut}`;
const NATIVE_CODE = 'allow-unsafe-native-code-during-evaluation';
const BUILDERS = '[ { "program": "/usr/bin/true", "systems": [ "x86_64-linux" ] } ]';

/** Ways to have a worker run a program, and what is said of them. */
const WAYS: readonly (readonly [input: object, refused: string])[] = [
  [{ commands: ['touch'] }, program('touch')],
  [{ commands: ['accept-flake-config = true'] }, setting('accept-flake-config', 'true', '--accept-flake-config')],
  [{ cache }, program('/opt/evil')],
  // Who decodes it finds what is allowed: only that itself is.
  [{ cache: { ...cache, to: 'command:///usr/bin/tru%65' } }, program('/usr/bin/tru%65')],
  ...['post-build-hook', 'build-hook', 'plugin-files', 'extra-plugin-files', 'diff-hook', 'pre-build-hook'].map(
    (name) => [{ nix: { ...nix, options: [[name, '/opt/evil']] } }, program('/opt/evil')] as const,
  ),
  [
    { nix: { ...nix, options: [[NATIVE_CODE, 'true']] } },
    setting(NATIVE_CODE, 'true', `--nix-option "${NATIVE_CODE} …"`),
  ],
  [
    { nix: { ...nix, options: [['external-builders', BUILDERS]] } },
    setting('external-builders', BUILDERS, '--nix-option "external-builders …"'),
  ],
  [{ nix: { ...nix, acceptFlakeConfig: true } }, setting('accept-flake-config', 'true', '--accept-flake-config')],
];

test('a worker that names its commands runs no other one by a cache or a setting of Nix, whatever it is asked to do', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-allowed-'));
  try {
    const env = { state: stateDirectory(root), machine: 'm', hostName: 'h', allowedCommands: ['/usr/bin/true'] };
    // All of them, for a field that one of them knows today another one may know tomorrow.
    const takers = Object.values(createActivities(env)).flatMap((queue) =>
      Object.entries(queue as Readonly<Record<string, (input: unknown) => Promise<unknown>>>),
    );
    const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    assert.ok(takers.length > 20);
    for (const [input, refused] of WAYS)
      for (const [name, taker] of takers) {
        const { message } = await failure(environment.run(taker, input), 'BadOptions');
        assert.ok(message.includes(refused), `${name}: ${message}`);
      }
  } finally {
    await rm(root, { recursive: true });
  }
});

test('what a run would have workers run is known before it begins', () => {
  const caches = [cache, { ...cache, to: 's3://bucket' }];
  const options = [
    ['max-jobs', '3'],
    ['post-build-hook', '/opt/hook'],
    ['plugin-files', '/opt/a.so /opt/b.so'],
    ['allow-unsafe-native-code-during-evaluation', 'false'],
  ] as const;
  assert.deepEqual(commandsOf({ caches, nix: { ...nix, options } }), [
    ...['/opt/evil', '/opt/hook', '/opt/a.so', '/opt/b.so'],
  ]);
});
