import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentArguments } from '../../model/autofix/agent-command.js';
import type { PastAttempt } from '../../model/autofix/attempt.js';
import { agentPrompt } from '../../model/autofix/prompt.js';
import { fixMessage } from '../../model/report/commit-message.js';
import type { Verdict } from '../../model/verify/verdict.js';

const PROMPT = { text: 'Fix {promptFile}.', file: '/tmp/prompt.md' };

for (const [command, args, given] of [
  ['pir', ['--fast'], ['--fast', '-p', PROMPT.text]],
  ['/opt/agents/claude', [], ['--permission-mode', 'acceptEdits', '-p', PROMPT.text]],
  ['aider', ['{prompt}'], [PROMPT.text]],
  ['codex', ['-m', 'x'], ['-m', 'x', 'exec', '--sandbox', 'workspace-write', PROMPT.text]],
  ['claude', ['run', '--in={prompt}'], ['run', `--in=${PROMPT.text}`]],
  ['pir', ['--file', '{promptFile}', '{prompt}'], ['--file', PROMPT.file, PROMPT.text]],
] as const) {
  test(`an agent is given its prompt as it wants it: ${[command, ...args].join(' ')}`, () => {
    assert.deepEqual(agentArguments(command, args, PROMPT), given);
  });
}

const BROKEN: Verdict = {
  target: { kind: 'nixos', name: 'web' },
  verdict: 'build-failed',
  system: 'x86_64-linux',
  drvPath: '/nix/store/0-web.drv',
  outPath: null,
  sameAsBase: null,
  seconds: 3,
  error: 'builder failed with exit code 7',
  failedDrv: '/nix/store/1-package.drv',
  machine: 'm',
  logPath: '/log',
  logTail: 'first line\n````\n# Not a heading of ours\u001b[31m',
};
const ATTEMPT: PastAttempt = {
  number: 1,
  outcome: 'refused',
  reason: 'touches secrets/wifi (protected by secrets/**)',
  seconds: 12,
  machine: 'm',
  logPath: '/log',
  sandboxed: true,
  files: ['secrets/wifi'],
  patch: '+opened',
  logTail: null,
};
const RULES = { protected: ['secrets/**', '*.age'], maxFiles: 20, maxLines: 500 };

test('a prompt says what broke, what moved, what was tried and what is allowed', () => {
  const moved = {
    name: 'nixpkgs',
    kind: 'github',
    from: { revision: '1'.repeat(40), short: '1'.repeat(8), date: null },
    to: { revision: '2'.repeat(40), short: '2'.repeat(8), date: null },
    compareUrl: 'https://example.org/compare/1...2',
    nested: [],
  };
  const below = { ...moved, path: 'home/lib' };
  const home = { ...moved, name: 'home', to: moved.from, compareUrl: null, nested: [below.path], nestedMoves: [below] };
  const prompt = agentPrompt({ broken: BROKEN, moved: [moved, home], earlier: [ATTEMPT], rules: RULES, dir: '' });
  for (const part of [
    'Fix the NixOS host web',
    '- nixpkgs: 11111111 → 22222222, https://example.org/compare/1...2',
    '- home: stays at 11111111, only nested inputs moved\n  - home/lib: 11111111 → 22222222, https://example.org/compare/1...2',
    'Error: builder failed with exit code 7',
    'Failing derivation: /nix/store/1-package.drv',
    'touches secrets/wifi',
    '+opened',
    'AGENTS.md',
    'secrets/**, *.age',
    'at most 20 files and 500 lines',
  ])
    assert.ok(prompt.includes(part), part);
  assert.ok(
    prompt.includes('`````text\nfirst line\n````\n# Not a heading of ours\n`````'),
    'a log cannot end its fence',
  );
});

test('the message of a fix says what broke, who changed it, and whose commit it is', () => {
  assert.equal(
    fixMessage({ instance: 'update', run: 'update-1', broken: BROKEN, agent: '/opt/claude', attempt: 2 }),
    `fix(web): work with the updated inputs

With the inputs of this update web does not build:
- builder failed with exit code 7
- in /nix/store/1-package.drv

Changed by /opt/claude, attempt 2.

Lockkeeper-Instance: update
Lockkeeper-Run: update-1
`,
  );
});
