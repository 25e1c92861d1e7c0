import assert from 'node:assert/strict';
import test from 'node:test';
import { loadClient } from '../../client/program/bundle.js';

test('the build keeps the compiled form of the client, and a command takes it', () => {
  assert.equal(loadClient().fromCache, true);
});
