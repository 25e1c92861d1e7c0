import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareUrl } from '../../model/flake-lock/compare-url.js';

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

test('archives whose address only one kind of forge has need no host that is known', () => {
  const gitea = (repository: string): string => `https://${repository}/compare/${OLD}...${NEW}`;
  for (const host of ['codeberg.org', 'git.lix.systems', 'code.example:3000']) {
    assert.equal(
      tarball((rev) => `https://${host}/api/v1/repos/o/r/archive/${rev}.tar.gz?rev=${rev}`),
      gitea(`${host}/o/r`),
    );
    assert.equal(
      tarball((rev) => `https://${host}/o/r/archive/${rev}.tar.gz?rev=${rev}`),
      gitea(`${host}/o/r`),
    );
  }
  assert.equal(
    tarball((rev) => `https://example.org/git/api/v1/repos/o/r/archive/${rev}.tar.gz`),
    gitea('example.org/git/o/r'),
  );
  assert.equal(git('https://git.lix.systems/lix-project/lix'), gitea('git.lix.systems/lix-project/lix'));
  assert.equal(
    tarball((rev) => `https://code.example/g/s/r/-/archive/${rev}/r-${rev}.tar.gz`),
    `https://code.example/g/s/r/-/compare/${OLD}...${NEW}`,
  );
  assert.equal(
    tarball((rev) => `https://git.sr.ht/~me/r/archive/${rev}.tar.gz`),
    `https://git.sr.ht/~me/r/log/${NEW}`,
  );
});

test('an archive of another shape, host, repository or revision has none', () => {
  for (const url of [
    (rev: string) => `https://code.example/o/r/archive/${rev}.tar.gz`,
    (rev: string) => `https://code.example/o/r/archive/main.tar.gz?rev=${rev}`,
    (rev: string) => `https://code.example/o/r/archive/${rev}.tar.gz?rev=${'c'.repeat(40)}`,
    (rev: string) => `http://code.example/api/v1/repos/o/r/archive/${rev}.tar.gz`,
    (rev: string) => `https://code.example/api/v1/repos/../archive/${rev}.tar.gz`,
    (rev: string) => `https://code.example/api/v1/repos/o/%2e%2e/archive/${rev}.tar.gz`,
    (rev: string) => `https://evil example/api/v1/repos/o/r/archive/${rev}.tar.gz`,
    (rev: string) => `https://code.example/o/${rev.slice(0, 3)}/archive/${rev}.tar.gz?rev=${rev}`,
    (rev: string) => `https://api.flakehub.com/f/pinned/NixOS/nixpkgs/0.1.1%2Brev-${rev}/0/source.tar.gz?rev=${rev}`,
  ])
    assert.equal(tarball(url), null, url(OLD));
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
