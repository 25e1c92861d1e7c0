import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareUrl } from '../../model/compare-url.js';

const [OLD, NEW] = ['a'.repeat(40), 'b'.repeat(40)];
const compare = (source: Record<string, string>, other: Record<string, string> = {}): string | null =>
  compareUrl(
    new Map(Object.entries({ ...source, rev: OLD })),
    new Map(Object.entries({ ...source, rev: NEW, ...other })),
  );
const git = (url: string): string | null => compare({ type: 'git', url });
const tarball = (url: (rev: string) => string): string | null =>
  compare({ type: 'tarball', url: url(OLD) }, { url: url(NEW) });

test('inputs of GitHub, GitLab and sourcehut have a page on their host', () => {
  assert.equal(compare({ type: 'github', owner: 'o', repo: 'r' }), `https://github.com/o/r/compare/${OLD}...${NEW}`);
  assert.equal(
    compare({ type: 'github', owner: 'o', repo: 'r', host: 'git.corp.example' }),
    `https://git.corp.example/o/r/compare/${OLD}...${NEW}`,
  );
  assert.equal(
    compare({ type: 'gitlab', owner: 'g%2Fsub', repo: 'r' }),
    `https://gitlab.com/g/sub/r/-/compare/${OLD}...${NEW}`,
  );
  assert.equal(
    compare({ type: 'gitlab', owner: 'g', repo: 'r', host: 'salsa.debian.org' }),
    `https://salsa.debian.org/g/r/-/compare/${OLD}...${NEW}`,
  );
  assert.equal(compare({ type: 'sourcehut', owner: '~me', repo: 'r' }), `https://git.sr.ht/~me/r/log/${NEW}`);
  assert.equal(compare({ type: 'sourcehut', owner: '~me', repo: 'r', host: 'hg.sr.ht' }), null);
});

test('Git URLs of known hosts have one too, over whatever protocol they are fetched', () => {
  for (const url of [
    'https://github.com/o/r.git',
    'ssh://git@github.com/o/r',
    'https://me:pw@github.com/o/r/?dir=x',
    'git@github.com:o/r.git',
    'http://github.com/o/r',
  ])
    assert.equal(git(url), `https://github.com/o/r/compare/${OLD}...${NEW}`, url);
  assert.equal(git('https://codeberg.org/o/r.git'), `https://codeberg.org/o/r/compare/${OLD}...${NEW}`);
  assert.equal(git('https://forgejo.lan:3000/o/r.git'), `https://forgejo.lan:3000/o/r/compare/${OLD}...${NEW}`);
  assert.equal(git('http://gitea.lan/o/r'), `http://gitea.lan/o/r/compare/${OLD}...${NEW}`);
  assert.equal(git('ssh://git@gitea.lan:2222/o/r.git'), `https://gitea.lan/o/r/compare/${OLD}...${NEW}`);
  assert.equal(git('https://gitlab.gnome.org/g/s/r.git'), `https://gitlab.gnome.org/g/s/r/-/compare/${OLD}...${NEW}`);
  assert.equal(git('https://git.sr.ht/~me/r'), `https://git.sr.ht/~me/r/log/${NEW}`);
});

test('archives of known hosts have one when the lock knows their revision', () => {
  const github = `https://github.com/o/r/compare/${OLD}...${NEW}`;
  assert.equal(
    tarball((rev) => `https://github.com/o/r/archive/${rev}.tar.gz`),
    github,
  );
  assert.equal(
    tarball((rev) => `https://codeload.github.com/o/r/tar.gz/${rev}`),
    github,
  );
  assert.equal(
    tarball((rev) => `https://api.github.com/repos/o/r/tarball/${rev}`),
    github,
  );
  assert.equal(
    tarball((rev) => `https://gitlab.com/g/s/r/-/archive/${rev}/r.tar.gz`),
    `https://gitlab.com/g/s/r/-/compare/${OLD}...${NEW}`,
  );
  assert.equal(
    tarball((rev) => `https://codeberg.org/o/r/archive/${rev}.tar.gz`),
    `https://codeberg.org/o/r/compare/${OLD}...${NEW}`,
  );
  assert.equal(
    compareUrl(
      new Map([
        ['type', 'tarball'],
        ['url', 'https://github.com/o/r/archive/a.tar.gz'],
      ]),
      new Map(),
    ),
    null,
  );
});

test('there is none for what cannot be known', () => {
  for (const url of [
    'file:///srv/git/x',
    '/srv/git/x',
    'https://example.org/o/r',
    'https://github.com/o',
    'https://github.com/o/r/x',
    'ssh://github.com',
    '',
  ])
    assert.equal(git(url), null, url);
  assert.equal(compare({ type: 'path', path: '/srv' }), null);
  assert.equal(compare({ type: 'carrier-pigeon' }), null);
  assert.equal(compare({ type: 'github', owner: 'o' }), null);
  assert.equal(compare({ type: 'github', owner: 'o', repo: 'r' }, { rev: OLD }), null);
  assert.equal(compare({ type: 'github', owner: 'o', repo: 'r' }, { repo: 'fork' }), null);
  assert.equal(compare({ type: 'github', owner: 'o', repo: 'r' }, { rev: 'main' }), null);
});

test('nothing in a lock can make the address mean something else', () => {
  for (const host of ['evil.example/x', 'a@evil.example', 'evil.example#', '-x', 'a b', 'x:y'])
    assert.equal(compare({ type: 'github', owner: 'o', repo: 'r', host }), null, host);
  assert.equal(compare({ type: 'github', owner: '..', repo: 'r' }), null);
  assert.equal(compare({ type: 'github', owner: 'o', repo: 'a\nb' }), null);
  assert.equal(compare({ type: 'github', owner: '\ud800', repo: 'r' }), null);
  assert.equal(git('https://github.com/%zz/r'), null);
  assert.equal(git('https://github.com/o/a%2F..'), null);
  assert.equal(
    compare({ type: 'github', owner: 'o', repo: 'r?x#y z' }),
    `https://github.com/o/r%3Fx%23y%20z/compare/${OLD}...${NEW}`,
  );
});
