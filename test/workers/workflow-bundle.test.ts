import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const BUNDLE = new URL('../../workflow-bundle.js', import.meta.url);
const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));

test('the bundle of the workflows names neither the place of its build nor a random number, but its sources beside it', async () => {
  const [code = '', base64 = ''] = (await readFile(BUNDLE, 'utf8')).split(
    'sourceMappingURL=data:application/json;charset=utf-8;base64,',
  );
  const text = Buffer.from(base64, 'base64').toString();
  const map = JSON.parse(text) as { file: string; sources: string[] };

  assert.ok(!`${code}${text}`.includes(CHECKOUT), `the bundle names ${CHECKOUT}`);
  assert.equal(map.file, 'workflow-bundle.js');
  const own = map.sources.filter((source) => source.startsWith('../workflows/'));
  assert.ok(own.includes('../workflows/update-flake.ts'), map.sources.join('\n'));
  await Promise.all(own.map((source) => access(new URL(source, BUNDLE))));
});
