import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { readFlags, type TypedFlags } from '../../../client/options/flags.js';
import { gatesOf } from '../../../model/config/options/gates.js';
import { parseGate, splitWords } from '../../../model/gates/gate.js';

test('a command is split into the words that a shell would make of it', () => {
  for (const line of [
    'true',
    '  nix   fmt -- .  ',
    `sh -c 'echo "a b" | grep a'`,
    'echo "a \\"b\\" \\\\ c" d',
    `echo a'b'"c"d`,
    `echo '' "" x`,
    'echo a\\ b \\"',
    "echo 'a\nb' c\td",
    'echo ä→b',
  ]) {
    const shell = execFileSync('/bin/sh', ['-c', `set -f; set -- ${line}; printf '%s\\0' "$@"`], { encoding: 'utf8' });
    assert.deepEqual(splitWords(line), shell.split('\0').slice(0, -1), line);
  }
});

test('a quote or backslash that is left open is not a command', () => {
  for (const line of [`echo 'x`, 'echo "x', 'echo x\\', `'`]) assert.equal(splitWords(line), null, line);
});

test('a gate is NAME=COMMAND, or known by its name', () => {
  assert.deepEqual(parseGate('no-todo=sh -c "! grep -r TODO ."', '--field'), {
    name: 'no-todo',
    check: { kind: 'command', words: ['sh', '-c', '! grep -r TODO .'] },
  });
  assert.deepEqual(parseGate('statix', '--field'), { name: 'statix', check: { kind: 'preset', preset: 'statix' } });
  assert.deepEqual(parseGate('statix=statix check hosts', '--field').check, {
    kind: 'command',
    words: ['statix', 'check', 'hosts'],
  });
});

const asked = (flags: TypedFlags) => gatesOf(readFlags(flags).options).gates;

test('gates in another order are the same gates', () => {
  assert.deepEqual(
    asked({ gate: ['fmt', 'b=true'], gateWarn: ['a=true'] }),
    asked({ gate: ['b=true', 'fmt'], gateWarn: ['a=true'], gateTimeout: ['3600'] }),
  );
});

test('gates that cannot be used are refused in one message', () => {
  for (const [flags, why] of [
    [
      { gate: ['check'] },
      /--gate "check" is not a gate that is known by its name \(flake-check, fmt, statix, deadnix\)/,
    ],
    [{ gate: ['A B=true'] }, /--gate "A B" is not a valid gate name/],
    [{ gate: ['-x=true'] }, /--gate "-x" is not a valid gate name/],
    [{ gateWarn: ['empty='] }, /--gate-warn empty "" has no command/],
    [{ gate: [`open=echo 'x`] }, /has a quote or backslash in its command that is left open/],
    [{ gate: ['x=true'], gateWarn: ['x=false'] }, /--gate "x" is the name of two gates/],
    [{ gateTimeout: ['300'] }, /--gate-timeout does nothing by itself: add --gate or --gate-warn/],
    [{ gate: ['x=true'], gateTimeout: ['30d'] }, /--gate-timeout "2592000 s" is longer than 7d/],
  ] as const) {
    assert.throws(() => asked(flags), why);
  }
});
