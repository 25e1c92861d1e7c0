import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createAttemptFix } from '../../activities/agent/attempt-fix.js';
import { canSandbox } from '../../activities/sandbox/sandbox.js';
import { AS_NOBODY } from '../../model/sandbox/sandbox.js';
import type { AttemptInput, AttemptResult } from '../../model/autofix/attempt.js';
import type { SandboxLimits } from '../../model/sandbox/limits.js';
import type { AutofixOptions } from '../../model/run/options.js';
import { attemptInput } from '../support/agent.js';
import { withPlace } from '../support/repository.js';

const MIB = 1024 ** 2;
const sandbox = await canSandbox();

/** What comes of an agent that behaves so, within limits. */
const attempted = (
  behaviour: readonly string[],
  limits: Partial<SandboxLimits>,
  use: (result: AttemptResult, log: string) => void,
  more: Partial<AutofixOptions> = {},
): Promise<void> =>
  withPlace(async (place) => {
    const input = await attemptInput(place, behaviour, { limits, timeoutSeconds: 60, ...more });
    const activity = createAttemptFix(place.env);
    const result = await new MockActivityEnvironment().run<[AttemptInput], AttemptResult, typeof activity>(
      activity,
      input,
    );
    use(result, await readFile(result.logPath, 'utf8'));
    for (const folder of ['tree', 'home', 'tmp'])
      await assert.rejects(access(path.join(path.dirname(result.logPath), folder)), /ENOENT/, `${folder} is left`);
  });

for (const [what, behaviour, limits, reason] of [
  ['processes', 'fork-bomb', { tasks: 200 }, /^wanted more than 200 processes and threads$/],
  ['memory', 'memory-hog', { memoryBytes: 200 * MIB }, /^took more than 200\.0 MiB of memory$/],
  ['shared memory', 'shared-hog', { diskBytes: 50 * MIB }, /^took more than 50\.0 MiB of the disk$/],
  ['disk', 'fill', { diskBytes: 50 * MIB }, /^took more than 50\.0 MiB of the disk$/],
  ['files', 'many:3000', { files: 2000 }, /^made more than 2000 files and folders$/],
  ['depth', 'deep:1000', {}, /^made folders that lie too deep in one another$/],
] as const)
  test(`an agent is ended at its limit of ${what}, in time`, { skip: !sandbox }, () =>
    attempted([behaviour], limits, ({ kind, reason: why, seconds }, log) => {
      assert.equal(kind, 'timed-out', `${why ?? ''} ${log}`);
      assert.match(why ?? '', reason);
      assert.ok(seconds < 30, `after ${seconds} s`);
    }),
  );

test(
  'other processes of the account take nothing from an agent, and do not hide that it is over its limit',
  { skip: !sandbox },
  async () => {
    const many = ['/bin/sh', '-c', 'for each in $(seq 250); do sleep 300 & done; echo; wait'];
    // As the agent's own account.
    const account = process.getuid?.() === 0 ? AS_NOBODY : ['env'];
    const others = spawn(account[0] ?? '', [...account.slice(1), ...many], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(others.stdout, 'data');
      await attempted(['note'], { tasks: 100 }, ({ kind, reason }, log) => {
        assert.equal(kind, 'proposed', `${reason ?? ''} ${log}`);
      });
      await attempted(['fork-bomb'], { tasks: 100 }, ({ kind, reason }, log) => {
        assert.equal(kind, 'timed-out', log);
        assert.equal(reason, 'wanted more than 100 processes and threads');
      });
    } finally {
      process.kill(-(others.pid ?? 0), 'SIGKILL');
    }
  },
);

test('a file that only seems to be large can be made by no agent', { skip: !sandbox }, () =>
  attempted(['sparse', 'note'], { diskBytes: 1024 * MIB }, ({ kind, reason }, log) => {
    assert.match(log, /cannot make a sparse file|File too large/);
    assert.equal(kind, 'proposed', reason ?? '');
  }),
);

test('in a sandbox there is no memory to fill that nobody counts', { skip: !sandbox }, () =>
  attempted(['other-memory'], {}, (_, log) => {
    assert.doesNotMatch(log, /wrote to/);
  }),
);

/** Fits all of them: what a change comes to is decided before its number of files. */
const AMPLE = { rules: { protected: [], maxFiles: 100, maxLines: 100_000 } };

for (const [behaviour, kind, reason] of [
  [['many:12000'], 'refused', /^adds more files than can be looked at$/],
  [['many:900'], 'refused', /^changes 900 files, and 100 are the limit$/],
  [['deep:150', 'shut', 'note'], 'proposed', /^$/],
  [['special', 'note'], 'proposed', /^$/],
  [['bytes'], 'refused', /^holds a file whose name cannot be shown: a b/],
  [['gits:2500'], 'refused', /^holds a Git repository of its own: /],
  [['huge-ignore'], 'refused', /^touches \.gitignore, which Git would use to judge the change$/],
  [['huge-text'], 'refused', /^adds more than 16\.0 MiB, which nobody can review: huge\.nix$/],
  [['huge-line'], 'proposed', /^$/],
  [['open-parentheses'], 'refused', /^leaves a flake\.nix whose inputs cannot be read$/],
] as const)
  test(`what an agent leaves is judged in a short time: ${behaviour.join(', ')}`, () =>
    attempted(
      behaviour,
      {},
      (result, log) => {
        assert.equal(result.kind, kind, `${result.reason ?? ''} ${log}`);
        assert.match(result.reason ?? '', reason);
        assert.ok(JSON.stringify(result).length < 100_000, 'a result has a limit of its own');
      },
      AMPLE,
    ));
