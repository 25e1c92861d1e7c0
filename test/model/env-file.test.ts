import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvFileFault, parseEnvFile } from '../../model/autofix/env-file.js';

/** What a text gives, by systemd.exec(5) on `EnvironmentFile=`. */
const CASES: readonly (readonly [what: string, text: string, variables: Readonly<Record<string, string>>])[] = [
  ['plain values', 'A=1\nB=two words\n', { A: '1', B: 'two words' }],
  ['the last line without a line feed', 'A=1', { A: '1' }],
  ['comments and empty lines', '# A=1\n\n  ; B=2\nC=3 # not a comment\n', { C: '3 # not a comment' }],
  ['spaces around names and values', '  A =  1  \n\tB=\t2\t\n', { A: '1', B: '2' }],
  ['empty values', 'A=\nB=""\n', { A: '', B: '' }],
  ['an equals sign in a value', 'A=b=c\n', { A: 'b=c' }],
  ['single quotes, in which nothing is special', 'A=\'a "b" \\n $c\'\n', { A: 'a "b" \\n $c' }],
  [
    'double quotes, in which four characters are escaped',
    'A="a \\"b\\" \\\\ \\$c \\`d \\n"\n',
    { A: 'a "b" \\ $c `d \\n' },
  ],
  ['quotes over lines', 'A="one\ntwo"\nB=\'three\nfour\'\n', { A: 'one\ntwo', B: 'three\nfour' }],
  ['spaces that quotes keep', 'A="  a  "\n', { A: '  a  ' }],
  ['quotes beside each other', 'A="a b"\'c d\'\n', { A: 'a bc d' }],
  ['quotes within a value, which stand for themselves', 'A=it\'s "so"\n', { A: 'it\'s "so"' }],
  ['a backslash that joins lines', 'A=one\\\ntwo\nB="three\\\nfour"\n', { A: 'onetwo', B: 'threefour' }],
  ['a backslash before another character', 'A=a\\ b\\\\c\n', { A: 'a b\\c' }],
  ['lines of Windows', 'A=1\r\nB=2\r\n', { A: '1', B: '2' }],
  ['a later line for the same name', 'A=1\nA=2\n', { A: '2' }],
];

for (const [what, text, variables] of CASES) {
  test(`a file of variables is read as systemd reads it: ${what}`, () => {
    assert.deepEqual(Object.fromEntries(parseEnvFile(text)), variables);
  });
}

test('what is no variable is refused with its line, and without its value', () => {
  for (const [text, reason] of [
    ['A=1\nexport TOKEN=hidden\n', 'holds something else than NAME=value in line 2'],
    ['A=1\n\njust words', 'holds something else than NAME=value in line 3'],
    ['1A=hidden\n', 'holds something else than NAME=value in line 1'],
    ['A="one\ntwo\nB=3\n', 'has a quote in line 1 that is never closed'],
    ['=hidden\n', 'holds something else than NAME=value in line 1'],
  ] as const) {
    assert.throws(
      () => parseEnvFile(text),
      (error) => error instanceof EnvFileFault && error.message === reason,
      text,
    );
  }
});
