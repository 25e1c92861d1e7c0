import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { protectedBy } from '../../model/autofix/guard.js';
import { pathPatternFault } from '../../model/checks/path-pattern.js';
import { checkPathPatterns } from '../../model/checks/names.js';

/** Protected paths against `git check-ignore`: what Git would leave out is what an agent may not touch. */

const PATHS = [
  'secrets',
  'secrets/a',
  'secrets/a/b.age',
  'Secrets/A',
  'hosts/alpha/secrets.nix',
  'hosts/beta/secrets.nix',
  'hosts/gamma/secrets.nix',
  'hosts/alpha/deep/secrets.nix',
  'hosts/Web1.nix',
  'hosts/web2.nix',
  'hosts/web.nix.bak',
  'x/hosts/web2.nix',
  'key.pem',
  'a/key.pem',
  'a/b/c/KEY.PEM',
  'a]b/c',
  'a-b/c',
  'a b/c ',
  '#notes',
  '!important',
  'star*/file?',
  'back\\slash',
  '[ab]/c',
  '.github/workflows/ci.yml',
  'sub/.gitmodules',
];

/** Patterns by hand, each with what it protects; Git is asked about them as well. */
const KNOWN: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['hosts/[ab]*/secrets.nix'], ['hosts/alpha/secrets.nix', 'hosts/beta/secrets.nix']],
  [['SECRETS/**'], ['secrets/a', 'secrets/a/b.age', 'Secrets/A']],
  [['secrets/'], ['secrets/a', 'secrets/a/b.age', 'Secrets/A']],
  [
    ['*.pem', '!a/key.pem'],
    ['key.pem', 'a/b/c/KEY.PEM'],
  ],
  [['hosts', '!hosts/web2.nix'], PATHS.filter((each) => each.includes('hosts'))],
  [['web[[:digit:]].nix'], ['hosts/Web1.nix', 'hosts/web2.nix', 'x/hosts/web2.nix']],
  [['a[]-]b'], ['a]b/c', 'a-b/c']],
  [
    ['\\#notes', '\\!important'],
    ['#notes', '!important'],
  ],
  [['star\\*/**'], ['star*/file?']],
  [
    ['/.git*', '**/.gitm*'],
    ['.github/workflows/ci.yml', 'sub/.gitmodules'],
  ],
];

/** What each of the broken ones would protect for Git: nothing. */
const BROKEN: readonly (readonly [string, RegExp])[] = [
  ['', /not a pattern/],
  ['/', /not a pattern/],
  ['!', /not a pattern/],
  ['  ', /not a pattern/],
  ['#secrets', /comment: write \\#/],
  ['hosts\\', /single "\\"/],
  ['hosts/[ab', /"\[" without its "\]"/],
  ['hosts/[', /"\[" without its "\]"/],
  ['hosts/[]', /"\[" without its "\]"/],
  ['web[[:number:]].nix', /"\[" without its "\]"/],
  ['web[[:digit:].nix', /"\[" without its "\]"/],
  ['./secrets', /empty part/],
  ['hosts/../secrets', /empty part/],
  ['hosts//web2.nix', /empty part/],
  ['//secrets', /empty part/],
];

test('protected paths are those that git check-ignore names, for 300 lists of patterns', async () => {
  const generated = Array.from({ length: 300 }, (_, seed) => patternsOf(randomly(seed + 1)));
  const usable = generated.filter((patterns) => patterns.every((each) => pathPatternFault(each) === null));
  assert.ok(usable.length >= 200, `${usable.length} lists can be used`);
  const ignored = await ignoredByGit([...KNOWN.map(([patterns]) => patterns), ...usable]);
  for (const [patterns, names] of ignored) {
    const protects = protectedBy(patterns);
    assert.deepEqual(
      PATHS.flatMap((each) => (protects(each) === null ? [] : [[each, protects(each)?.trimEnd()]])),
      names,
      JSON.stringify(patterns),
    );
  }
  const matching = new Set(ignored.flatMap(([, names]) => names.map(([each]) => each)));
  assert.equal(matching.size, PATHS.length, 'each path is protected by one of them');
});

for (const [patterns, names] of KNOWN) {
  test(`${patterns.join(' ')} protects what a .gitignore with it leaves out`, () => {
    const protects = protectedBy(patterns);
    assert.deepEqual(
      PATHS.filter((each) => protects(each) !== null),
      names,
    );
  });
}

test('a letter is one character, upper and lower case alike', () => {
  const protects = protectedBy(['é?/ü*.age']);
  assert.ok(protects('éé/ü.age') !== null && protects('Éa/Über.age') !== null);
  assert.equal(protects('é/ü.age'), null);
});

test('a pattern by which Git would leave out nothing is refused, with the way out', async () => {
  for (const [pattern, message] of BROKEN) assert.match(pathPatternFault(pattern) ?? '', message, pattern);
  const ignored = await ignoredByGit(BROKEN.map(([pattern]) => [pattern]));
  for (const [patterns, names] of ignored) assert.deepEqual(names, [], JSON.stringify(patterns));
  assert.throws(() => checkPathPatterns(['!a.nix', '*.nix'], '--field'), /^BadInput: --field "!a\.nix" takes back/);
  assert.deepEqual(checkPathPatterns(['*.nix', '!a.nix'], '--field'), ['*.nix', '!a.nix']);
});

/** Pieces of patterns, put together at random: names that are there, wildcards, brackets, slashes. */
const PIECES = [
  ...['secrets', 'hosts', 'web', 'a', 'b', '.nix', '.age', '.pem', 'key', '#notes', 'deep', 'alpha', '.git'],
  ...['*', '*', '?', '**', '/', '/', '/', '**/', '/**', '*.nix', '/*/', '[ab]', '[!a]', '[a-z]', '[^s]', '[]-]'],
  ...['[[:alpha:]]', '[[:digit:]]', '[c-a]', '[\\]]', '\\*', '\\[', '\\!', '\\?', '\\ ', ' ', '-', '!', '\\\\', ']'],
];

function patternsOf(random: (below: number) => number): readonly string[] {
  const one = (): string =>
    Array.from({ length: 1 + random(5) }, () => PIECES[random(PIECES.length)] ?? '').join('') || '*';
  const more = Array.from({ length: random(3) }, () => (random(2) === 0 ? `!${one()}` : one()));
  return [one(), ...more];
}

/** Numbers that look random and are the same in each run: xorshift of 32 bits. */
function randomly(seed: number): (below: number) => number {
  let state = seed * 2654435761;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** For each list of patterns the paths that Git would ignore, with the pattern that it names for them. */
async function ignoredByGit(
  lists: readonly (readonly string[])[],
): Promise<readonly (readonly [patterns: readonly string[], names: readonly (readonly [string, string])[]])[]> {
  const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-ignore-'));
  try {
    await execa('git', ['init', '--quiet', root]);
    for (const [index, patterns] of lists.entries()) {
      await mkdir(path.join(root, `${index}`));
      await writeFile(path.join(root, `${index}/.gitignore`), patterns.map((each) => `${each}\n`).join(''));
    }
    const { stdout } = await execa(
      'git',
      ['-c', 'core.ignoreCase=true', 'check-ignore', '--no-index', '--verbose', '--stdin', '-z'],
      {
        cwd: root,
        input: lists.flatMap((_, index) => PATHS.map((each) => `${index}/${each}\0`)).join(''),
        reject: false,
      },
    );
    // SOURCE, LINE, PATTERN and PATH of each; what a pattern with `!` takes back is named too.
    const fields = stdout.split('\0');
    const found = lists.map((patterns) => [patterns, [] as (readonly [string, string])[]] as const);
    for (let at = 0; at + 3 < fields.length; at += 4) {
      const [pattern = '', file = ''] = fields.slice(at + 2, at + 4);
      const [folder = '', ...rest] = file.split('/');
      if (!pattern.startsWith('!')) found[Number(folder)]?.[1].push([rest.join('/'), pattern.trimEnd()]);
    }
    return found;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
