import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureWords } from '../../model/verify/failure-words.js';

const words = (logTail: string | null, error: string | null = 'exit code 1'): string =>
  failureWords({ verdict: 'build-failed', error, logTail });

test('what a builder said stands beside its exit code: its last complaint, not the lines around it', () => {
  const logs: readonly (readonly [log: string, said: string])[] = [
    ["building\nerror: unknown directive 'ssl on'\n", "error: unknown directive 'ssl on'"],
    [
      'main.c:3: error: x undeclared\nmake[1]: *** [main.o] Error 1\nmake: *** [all] Error 2\n',
      'main.c:3: error: x undeclared',
    ],
    ['cannot open a.h\ncompiling b\n-----\n', 'cannot open a.h'],
    ['one\ntwo\n\n', 'two'],
    ["error: builder for 'x.drv' failed with exit code 1\n", ''],
  ];
  for (const [log, said] of logs) assert.equal(words(log), said === '' ? 'exit code 1' : `exit code 1: ${said}`);
  assert.equal(words('\u001b[31merror: red\u001b[0m'), 'exit code 1: error: red');
});

test('an error that says all is not said twice, and one that nobody told is the verdict', () => {
  assert.equal(words('error: no', 'error: no'), 'error: no');
  assert.equal(words(null, null), 'build-failed');
  const evaluation = { verdict: 'evaluation-failed', error: 'no option x', logTail: 'at flake.nix' } as const;
  assert.equal(failureWords(evaluation), 'no option x');
});
