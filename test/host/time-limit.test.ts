import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const limit = new URL('../../host/time-limit.js', import.meta.url).href;

test('a time limit to which only a combined signal listens is not lost to the garbage collector', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--expose-gc', '--input-type=module', '--eval'],
    `import { timeLimit } from '${limit}';
     const both = AbortSignal.any([new AbortController().signal, timeLimit(200)]);
     both.addEventListener('abort', () => console.log(both.reason.name));
     for (const wait of [0, 50, 100]) setTimeout(gc, wait);
     setTimeout(() => undefined, 1000);`,
  ]);
  assert.equal(stdout, 'TimeoutError\n');
});
