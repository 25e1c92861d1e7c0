import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import {
  BadInput,
  checkBranchName,
  checkBranchPrefix,
  checkHostName,
  checkInputName,
  checkNixOption,
  checkNtfyTopic,
  checkPerson,
  checkRegExp,
  checkServerUrl,
  wholeNameExpression,
} from '../../model/checks/names.js';

const UNSAFE = [
  '',
  'a b',
  '-a',
  '--flake',
  'a..b',
  '..',
  'a\nb',
  'a\0b',
  'a;b',
  'a$b',
  '${x}',
  '`x`',
  '"x"',
  "x'y",
  'a|b',
  'a&b',
  'a>b',
  'a(b',
  'a\\b',
  'a\u001b[31mb',
  'a\u202eb',
  'x'.repeat(300),
];

function refusal(check: () => unknown): BadInput {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof BadInput, String(error));
    return error;
  }
  assert.fail('nothing was refused');
}

test('host names with dots and @ are accepted as they are', () => {
  for (const name of ['alpha', 'web@1.example', '9front', '_x', 'a-b_c+d'])
    assert.equal(checkHostName(name, '--field'), name);
});

for (const [what, check] of [
  ['host', checkHostName],
  ['input', checkInputName],
  ['branch', checkBranchName],
  ['prefix', checkBranchPrefix],
  ['topic', checkNtfyTopic],
] as const) {
  test(`a ${what} with spaces, dashes in front, "..", line breaks or shell characters is refused in one printable line`, () => {
    for (const name of UNSAFE) {
      if (what === 'topic' && name.startsWith('-')) continue;
      const error = refusal(() => check(name, '--field'));
      assert.equal(error.field, '--field');
      assert.equal(error.value, name);
      assert.match(error.message, /^--field "/);
      assert.doesNotMatch(error.message, /[\p{Cc}\p{Cf}]/u);
      assert.ok(error.message.length < 400, error.message);
    }
  });
}

test('a branch may have slashes, and is accepted only if Git accepts it', () => {
  const names = [
    'main',
    'release/24.05',
    'feature/a_b-c',
    'ünï',
    'a@b',
    '#1',
    'a.b',
    'a.lock',
    'x/.y',
    'x//y',
    '/x',
    'x/',
  ];
  names.push('x.', '@', 'HEAD', 'x@{1}', 'x~1', 'x^', 'x:y', 'x?', 'x*', 'x[y', 'a.lock/b', 'x/y.lock');
  for (const name of names) {
    let git = true;
    try {
      execFileSync('git', ['check-ref-format', '--branch', name], { stdio: 'ignore' });
    } catch {
      git = false;
    }
    let ours = true;
    try {
      checkBranchName(name, '--field');
    } catch {
      ours = false;
    }
    assert.equal(ours, git && name !== '@', name);
  }
});

test('a branch prefix is accepted when a date makes a branch of it', () => {
  for (const prefix of ['flake-update-', 'bot/update/']) assert.equal(checkBranchPrefix(prefix, '--field'), prefix);
  refusal(() => checkBranchPrefix('', '--field'));
  refusal(() => checkBranchPrefix('/x', '--field'));
});

test('an exclude pattern speaks of whole names and cannot break out of its parentheses', () => {
  const expression = wholeNameExpression(checkRegExp('.*-minimal|test', '--field'));
  assert.ok(expression.test('a-minimal'));
  assert.ok(expression.test('test'));
  assert.ok(!expression.test('test2'));
  for (const pattern of ['(', 'a)|(b', '[', '*', '', 'a\\-b'])
    assert.match(refusal(() => checkRegExp(pattern, '--field')).message, /--field/);
});

test('a Nix option is a setting and one line, and never a secret', () => {
  assert.deepEqual(checkNixOption('max-jobs', '4', '--field'), ['max-jobs', '4']);
  assert.deepEqual(checkNixOption('substituters', '', '--field'), ['substituters', '']);
  refusal(() => checkNixOption('--impure', 'x', '--field'));
  refusal(() => checkNixOption('cores', '1\nbuilders = x', '--field'));
  assert.match(refusal(() => checkNixOption('access-tokens', 'github.com=s3cret', '--field')).message, /nix\.conf/);
  const error = refusal(() => checkNixOption('substituters', 'https://me:s3cret@cache.example', '--field'));
  assert.doesNotMatch(error.message + error.value, /s3cret/);
});

test('a person is a name and an address on one line', () => {
  assert.deepEqual(checkPerson('Ada Lovelace <ada@example.org>', '--field'), {
    name: 'Ada Lovelace',
    email: 'ada@example.org',
  });
  assert.deepEqual(checkPerson('Łucja <l@x>', '--field'), { name: 'Łucja', email: 'l@x' });
  for (const value of [
    'ada',
    'ada@example.org',
    '<a@b>',
    'A <b>',
    'A <a@b> C',
    'A\n<a@b>',
    'A <a@b>\nX: y',
    '.. <a@b>',
  ]) {
    refusal(() => checkPerson(value, '--field'));
  }
});

test('a server address is http or https without anything that could be a secret', () => {
  assert.equal(checkServerUrl('https://ntfy.example.org/', '--field'), 'https://ntfy.example.org');
  assert.equal(checkServerUrl('http://127.0.0.1:80/ntfy//', '--field'), 'http://127.0.0.1/ntfy');
  for (const value of [
    '',
    'ntfy.sh',
    'file:///etc/passwd',
    'https://a b',
    'https://x/?auth=1',
    'https://x/#y',
    'https://x\n',
  ]) {
    refusal(() => checkServerUrl(value, '--field'));
  }
  const error = refusal(() => checkServerUrl('https://me:s3cret@ntfy.example.org', '--field'));
  assert.doesNotMatch(error.message + error.value, /s3cret/);
});
