import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactedLines } from '../../activities/agent/redacted-lines.js';

const SECRET = 'sk-0123456789abcdef';

/** What comes out when a text comes in pieces of so many characters. */
function passed(text: string, piece: number, secrets: readonly string[] = [SECRET]): string {
  const lines = redactedLines(secrets);
  let out = '';
  for (let at = 0; at < text.length; at += piece) out += lines.push(text.slice(at, at + piece));
  return out + lines.end();
}

test('a secret is taken out wherever reads cut it', () => {
  for (const piece of [1, 3, 7, 100]) {
    assert.equal(passed(`a ${SECRET} b\nc ${SECRET}`, piece), 'a [secret] b\nc [secret]');
  }
});

test('a secret is taken out of a line without end', () => {
  const text = `${'x'.repeat(100_000)}${SECRET}${'y'.repeat(100_000)}`;
  for (const piece of [4096, 65_536, 70_001])
    assert.equal(passed(text, piece), text.replace(SECRET, '[secret]'), String(piece));
});

test('each line of a secret with several is one', () => {
  assert.equal(passed('say line-one-of-a-key\n', 5, ['line-one-of-a-key\nline-two-of-a-key']), 'say [secret]\n');
});
