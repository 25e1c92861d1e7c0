import assert from 'node:assert/strict';
import { test } from 'node:test';
import { otherKind, refusal, type ChangedFile, type ProposedChange } from '../../model/autofix/guard.js';
import { PROTECTED_PATHS } from '../../model/autofix/protected-paths.js';

const RULES = { protected: PROTECTED_PATHS, maxFiles: 2, maxLines: 10 };

const file = (path: string, change: Partial<ChangedFile> = {}): ChangedFile => ({
  path,
  was: '100644',
  mode: '100644',
  link: null,
  lines: 1,
  ...change,
});
const link = (path: string, to: string): ChangedFile => file(path, { mode: '120000', link: to });
const change = (files: readonly ChangedFile[], more: Partial<ProposedChange> = {}): ProposedChange => ({
  files,
  lock: 'flake.lock',
  otherKind: [],
  flake: 'same',
  secretsIn: [],
  ...more,
});

for (const [what, proposed, reason] of [
  ['two small files', change([file('flake.nix'), file('hosts/web.nix')]), null],
  ['a link within the repository', change([link('hosts/web/common', '../../common')]), null],
  ['a file that is gone', change([file('old.nix', { mode: '000000' })]), null],
  ['nothing', change([]), 'changes nothing'],
  ['the lock', change([file('flake.lock')]), 'touches flake.lock, which is what is being verified'],
  ['a lock in a folder', change([file('sub/flake.lock')]), 'touches sub/flake.lock, which is what is being verified'],
  [
    'a lock under another name',
    change([file('shared.lock')], { lock: 'shared.lock' }),
    'touches shared.lock, which is what is being verified',
  ],
  ['a secret', change([file('secrets/a/wifi')]), 'touches secrets/a/wifi (protected by secrets/**)'],
  ['an encrypted file', change([file('hosts/web.age')]), 'touches hosts/web.age (protected by **/*.age)'],
  [
    'a workflow of the forge',
    change([file('.github/workflows/ci.yml')]),
    'touches .github/workflows/ci.yml (protected by .git*)',
  ],
  // What runs at whoever opens the repository, without being built.
  ...(
    [
      ['.envrc', '.envrc'],
      ['nix/.envrc', '.envrc'],
      ['.claude/settings.json', '.claude/**'],
      ['.vscode/tasks.json', '.vscode/**'],
      ['hosts/AGENTS.md', 'AGENTS.md'],
      ['.pre-commit-config.yaml', '.pre-commit-config.y*ml'],
    ] as const
  ).map(([path, pattern]) => [path, change([file(path)]), `touches ${path} (protected by ${pattern})`] as const),
  ['a submodule', change([file('sub', { mode: '160000' })]), 'holds a Git repository of its own: sub'],
  ['an absolute link', change([link('users', '/etc/passwd')]), 'holds a link that leaves the repository: users'],
  [
    'a link above the root',
    change([link('hosts/up', '../../up')]),
    'holds a link that leaves the repository: hosts/up',
  ],
  [
    'a link that leaves and comes back',
    change([link('up', '../fleet/x')]),
    'holds a link that leaves the repository: up',
  ],
  [
    'a binary file',
    change([file('logo.png', { lines: null })]),
    'holds a binary file, which nobody can review: logo.png',
  ],
  [
    'a secret of its own',
    change([file('a.nix')], { secretsIn: ['a.nix'] }),
    'writes a value of the variables that the agent was given: a.nix',
  ],
  [
    'other inputs',
    change([file('flake.nix')], { flake: 'changed' }),
    'changes the inputs or the nixConfig in flake.nix, which the lock has to fit',
  ],
  [
    'a flake that cannot be read',
    change([file('flake.nix')], { flake: 'unreadable' }),
    'leaves a flake.nix whose inputs cannot be read',
  ],
  ['too many files', change([file('a'), file('b'), file('c')]), 'changes 3 files, and 2 are the limit'],
  ['too many lines', change([file('a', { lines: 11 })]), 'changes 11 lines, and 10 are the limit'],
  ['a name with control characters', change([file('a\u001b[31m.age')]), 'touches a.age (protected by **/*.age)'],
] as const) {
  test(`an agent's change is ${reason === null ? 'tried' : 'refused'}: ${what}`, () => {
    assert.equal(refusal(proposed, RULES), reason);
  });
}

test('flake.nix, its lock and the folders above them keep their kind and mode', () => {
  const kept = ['hosts/eu/flake.nix', 'hosts/eu/flake.lock'];
  const kind = (path: string, was: string, mode: string): readonly string[] =>
    otherKind([file(path, { was, mode })], kept);
  assert.deepEqual(kind('hosts/eu/flake.nix', '100644', '100644'), []);
  assert.deepEqual(kind('hosts/eu/flake.nix', '100644', '120000'), ['hosts/eu/flake.nix']);
  assert.deepEqual(kind('hosts/eu/flake.nix', '120000', '100644'), ['hosts/eu/flake.nix']);
  assert.deepEqual(kind('hosts/eu/flake.nix', '100644', '100755'), ['hosts/eu/flake.nix']);
  assert.deepEqual(kind('hosts/eu', '000000', '120000'), ['hosts/eu']);
  assert.deepEqual(kind('hosts/eu/flake.nix', '120000', '120000'), ['hosts/eu/flake.nix'], 'it leads elsewhere');
  assert.deepEqual(kind('hosts', '000000', '100644'), ['hosts']);
  assert.deepEqual(kind('flake.nix', '100644', '120000'), [], 'another flake');
  assert.match(
    refusal(change([file('flake.nix')], { otherKind: ['flake.nix'] }), RULES) ?? '',
    /^changes the mode or the kind of flake\.nix/,
  );
});
