import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPathInfo } from '../../../model/closure/path-info.js';

const NAME = '1qzs4xph7b4zl1vn7bzyry5x7bhzxjlq-system-path';
const DERIVER = 'w9iws3wbnx5d1k43yycdc0cdarb9x3ij-system-path.drv';
const facts = { ca: null, narHash: 'sha256-2PNF', narSize: 120, signatures: ['key:c2ln'], ultimate: true };

test('each form in which Nix tells of paths says the same', () => {
  const inStore = (name: string): string => `/nix/store/${name}`;
  const whole = { ...facts, deriver: inStore(DERIVER), references: [inStore(NAME)] };
  const short = { ...facts, deriver: DERIVER, references: [NAME], storeDir: '/nix/store', version: 2 };
  const expected = {
    ...{ path: inStore(NAME), narSize: 120, references: [inStore(NAME)], deriver: inStore(DERIVER) },
    ...{ narHash: 'sha256-2PNF', signatures: ['key:c2ln'], isContentAddressed: false, isBuiltHere: true },
  };
  const forms = {
    '2.8': [
      { path: inStore(NAME), ...whole, valid: true },
      { path: inStore('gone'), valid: false },
    ],
    '2.26': { [inStore(NAME)]: whole, [inStore('gone')]: null },
    '2.34 --json-format 2': { version: 2, storeDir: '/nix/store', info: { [NAME]: short, gone: null } },
  };
  for (const [form, answer] of Object.entries(forms))
    assert.deepEqual(readPathInfo(JSON.stringify(answer)), [expected], form);
});
