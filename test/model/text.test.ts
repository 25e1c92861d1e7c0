import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  escapeMarkdown,
  formatSeconds,
  printableJson,
  redactUrl,
  shellQuote,
  stripControl,
  tail,
  truncate,
  truncateMiddle,
  utf8Length,
} from '../../model/text/text.js';

test('colours, cursor movements and window titles are taken out of a text', () => {
  assert.equal(stripControl('\x1b[1;31merror:\x1b[0m \x1b[2K\x1b[1Agone'), 'error: gone');
  assert.equal(stripControl('a\x1b]0;owned\x07b\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\c'), 'ablinkc');
  assert.equal(stripControl('a\x9b31mb\x9d0;title\x9cc\x1bPq#0\x1b\\d\x1b(Be\x1bcf'), 'abcdef');
});

test('no control character but line feed and tab is left of any text', () => {
  const everything = Array.from({ length: 0x2100 }, (_, code) => `x${String.fromCharCode(code)}`).join('');
  // eslint-disable-next-line no-control-regex -- this is what is tested
  assert.doesNotMatch(stripControl(everything), /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e]/);
  assert.equal(stripControl('a\tb\nc\0\b\x7f'), 'a\tb\nc');
});

test('sequences nested in one another do not form a new one', () => {
  assert.equal(stripControl('\x1b\x1b[31m[31mred'), '[31mred');
  assert.ok(!stripControl('\x1b[\x1b[31m1;31m').includes('\x1b'));
});

test('a control string that nobody ends hides one line at most', () => {
  assert.equal(stripControl('a\x1b]0;rest of line\nnext'), 'a\nnext');
});

test('carriage returns start a new line', () => {
  assert.equal(stripControl('10%\r20%\r\ndone\r\r\n'), '10%\n20%\ndone\n');
});

test('marks that reorder text and halves of characters are not shown', () => {
  assert.equal(stripControl('abc\u202etxt.exe\u2066x\u061c'), 'abctxt.exex');
  assert.equal(stripControl('a\ud800b😀'), 'a\ufffdb😀');
});

test('stripping takes time in proportion to the text', () => {
  const started = performance.now();
  for (const piece of ['\x1b]', '\x1b[', '\x1b[0', '\x1bP\x1b', '\r', '\x9b;']) stripControl(piece.repeat(200_000));
  redactUrl('a'.repeat(200_000));
  redactUrl('a://'.repeat(100_000));
  assert.ok(performance.now() - started < 5_000);
});

test('the tail holds the last lines, whole ones where they fit', () => {
  assert.equal(tail('a\nb\nc\n', { lines: 2, bytes: 100 }), 'b\nc');
  assert.equal(tail('a\nb\nc', { lines: 9, bytes: 100 }), 'a\nb\nc');
  assert.equal(tail('first\nsecond\nthird', { lines: 9, bytes: 14 }), 'second\nthird');
  assert.equal(tail('first\nsecond\nthird', { lines: 9, bytes: 8 }), 'third');
  assert.equal(tail('first\nsecond', { lines: 9, bytes: 6 }), 'second');
  assert.equal(tail('', { lines: 3, bytes: 3 }), '');
  assert.equal(tail('abc', { lines: 0, bytes: 3 }), '');
  assert.equal(tail('\n\n', { lines: 2, bytes: 3 }), '');
});

test('a last line that is too long keeps its end, and no character is cut', () => {
  assert.equal(tail('abcdef', { lines: 3, bytes: 4 }), 'cdef');
  assert.equal(tail('aä😀', { lines: 3, bytes: 5 }), '😀');
  assert.equal(tail('aä😀', { lines: 3, bytes: 6 }), 'ä😀');
  assert.equal(tail('a😀', { lines: 3, bytes: 3 }), '');
});

test('a text that is truncated in its middle keeps both ends within its limit', () => {
  assert.equal(truncateMiddle('cloud-europe-web', 16), 'cloud-europe-web');
  assert.equal(truncateMiddle('cloud-europe-web', 15), 'cloud-…pe-web');
  assert.equal(truncateMiddle('日本日本日本', 12), '日本…本');
  for (let bytes = 0; bytes < 20; bytes += 1) assert.ok(utf8Length(truncateMiddle('aä€😀aä€😀', bytes)) <= bytes);
});

test('a truncated text ends in an ellipsis and never exceeds its limit', () => {
  assert.equal(truncate('hello', 5), 'hello');
  assert.equal(truncate('hello!', 5), 'he…');
  assert.equal(truncate('ää😀', 8), 'ää😀');
  assert.equal(truncate('ää😀', 7), 'ää…');
  assert.equal(truncate('abcd', 2), '');
  for (let bytes = 0; bytes < 20; bytes += 1) assert.ok(utf8Length(truncate('aä€😀aä€😀', bytes)) <= bytes);
});

test('bytes are counted as UTF-8 writes them', () => {
  for (const text of ['', 'abc', 'ä€😀', '\ud800'])
    assert.equal(utf8Length(text), new TextEncoder().encode(text).length);
});

test('user info disappears from URLs, alone or in a message', () => {
  assert.equal(redactUrl('https://me:s3cret@host.example/x'), 'https://host.example/x');
  assert.equal(redactUrl('git+ssh://git@host/x?ref=a@b'), 'git+ssh://host/x?ref=a@b');
  assert.equal(redactUrl('https://a@b:c@host/x'), 'https://host/x');
  assert.equal(
    redactUrl("fatal: unable to access 'https://t:k@h/x.git/': nope"),
    "fatal: unable to access 'https://h/x.git/': nope",
  );
  assert.equal(redactUrl('https://host/@scope/pkg'), 'https://host/@scope/pkg');
  assert.equal(redactUrl('git@github.com:owner/repo'), 'git@github.com:owner/repo');
});

test('words of commands are quoted only where a shell would touch them', () => {
  assert.equal(shellQuote('update-fleet-20261121-093015'), 'update-fleet-20261121-093015');
  assert.equal(shellQuote('--host=alpha@home'), '--host=alpha@home');
  assert.equal(shellQuote(''), "''");
  assert.equal(shellQuote("it's $(rm)"), "'it'\\''s $(rm)'");
  assert.equal(shellQuote('~root'), "'~root'");
  assert.equal(shellQuote('=ls'), "'=ls'");
  assert.equal(shellQuote("a\n\x1b'\\"), "$'a\\u000a\\u001b\\'\\\\'");
});

test('JSON for a terminal holds no control character and no mark of direction, and means the same', () => {
  const value = { log: 'a\u009b31mb\u007f\u202ec\u2028d\u001b' };
  const json = printableJson(value, 2);
  assert.doesNotMatch(json.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}]/u);
  assert.deepEqual(JSON.parse(json), value);
});

test('escaped text stays one plain Markdown cell', () => {
  assert.equal(
    escapeMarkdown('a|b `c` <img src=x> &amp; *d* _e_'),
    'a\\|b \\`c\\` &lt;img src=x&gt; &amp;amp; \\*d\\* \\_e\\_',
  );
  assert.equal(escapeMarkdown('[x](https://evil) www.evil.example'), '\\[x\\](https\\://evil) www\\.evil.example');
  assert.equal(escapeMarkdown('two\r\nlines\u2028three'), 'two lines three');
  assert.equal(escapeMarkdown('- item'), '\\- item');
  assert.equal(escapeMarkdown('1. item'), '1\\. item');
  assert.equal(escapeMarkdown('# title'), '\\# title');
  assert.equal(escapeMarkdown('nixos-24.05'), 'nixos-24.05');
});

test('time spans read as a person says them', () => {
  assert.equal(formatSeconds(0), '0 s');
  assert.equal(formatSeconds(42.4), '42 s');
  assert.equal(formatSeconds(59.6), '1 min 00 s');
  assert.equal(formatSeconds(185), '3 min 05 s');
  assert.equal(formatSeconds(3599.7), '1 h 00 min');
  assert.equal(formatSeconds(3725), '1 h 02 min');
  assert.equal(formatSeconds(Number.NaN), '0 s');
  assert.equal(formatSeconds(-3), '0 s');
});
