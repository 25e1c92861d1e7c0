import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FAILURES } from '../../model/run/failures.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LIST = path.join('model', 'run', 'failures.ts');

/** A type that is only looked for, as in `isFailure(error, 'NoFlake')` or `type === 'NoFlake'`. */
const COMPARED = /isFailure\([^)]*\)|type [!=]== '\w+'/g;

test('each type of failure is made somewhere', async () => {
  const sources = await Promise.all(
    ['activities', 'model', 'workers', 'workflows'].map(async (folder) => {
      const files = await readdir(path.join(ROOT, folder), { recursive: true });
      const wanted = files
        .map((file) => path.join(folder, file))
        .filter((file) => file.endsWith('.ts') && file !== LIST);
      return Promise.all(wanted.map((file) => readFile(path.join(ROOT, file), 'utf8')));
    }),
  );
  const code = sources.flat().join('\n').replace(COMPARED, '');
  assert.deepEqual(
    FAILURES.filter((type) => !code.includes(`'${type}'`)),
    [],
  );
});
