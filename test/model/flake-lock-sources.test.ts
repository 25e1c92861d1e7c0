import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPrivateHost } from '../../model/flake-lock/private-host.js';
import { accepts, isSourcePattern } from '../../model/checks/source-pattern.js';
import { sourceOf } from '../../model/flake-lock/sources.js';

const source = (attributes: Record<string, string>) => {
  const { text, reach } = sourceOf(new Map(Object.entries(attributes)), ['web.example.org']);
  return [text, reach];
};

test('hosts of private networks are told by name and number, however they are spelled', () => {
  const own = ['Web.example.org'];
  for (const host of [
    ...[
      'localhost',
      'nas',
      'git.lan',
      'git.local.',
      'a.internal',
      'a.home.arpa',
      'web.example.org',
      'x.web.example.org',
    ],
    ...['127.0.0.1', '127.1', '0x7f.1', '2130706433', '0177.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '0.0.0.0'],
    ...['169.254.169.254', '100.64.0.1', '255.255.255.255', '1.2.3.4.5', '[::1]', '[::]', '[fe80::1]', '[fd00::1]'],
    ...[
      '[::ffff:10.0.0.1]',
      '[64:ff9b::a00:1]',
      '[2002:a00:1::]',
      '[64:FF9B:0:0::a00:1]',
      '[64:ff9b::1]',
      '[2001:0:1::]',
      '[2a00::1%eth0]',
    ],
  ])
    assert.equal(isPrivateHost(host, own), true, host);
  for (const host of [
    'github.com',
    'example.org',
    'lan.example.com',
    '1.1.1.1',
    '172.32.0.1',
    '192.0.2.1',
    '[2a00:1450::1]',
    '[64:ff9b::8c52:7903]',
    '[64:ff9b::140.82.121.3]',
  ])
    assert.equal(isPrivateHost(host, own), false, host);
});

test('a GitHub is asked at its helpers as well, and addresses of IPv6 have one spelling', () => {
  const github = { type: 'github', owner: 'a', repo: 'b' };
  for (const [attributes, origin, also] of [
    [github, 'https://github.com', ['https://api.github.com', 'https://codeload.github.com']],
    [
      { ...github, host: 'Ghe.lan:8443' },
      'https://ghe.lan:8443',
      ['https://api.ghe.lan:8443', 'https://codeload.ghe.lan:8443'],
    ],
    [{ type: 'tarball', url: 'http://[0:0::01]:80/a' }, 'http://[::1]:80', undefined],
  ] as const) {
    const found = sourceOf(new Map(Object.entries(attributes)), []);
    assert.deepEqual([found.origin, found.also], [origin, also]);
  }
});

test('what is not fetched over HTTPS from a public host is guarded', () => {
  for (const [attributes, text, reach] of [
    [{ type: 'github', owner: 'NixOS', repo: 'nixpkgs' }, 'github:NixOS/nixpkgs', 'public'],
    [{ type: 'gitlab', owner: 'a', repo: 'b', host: 'git.lan' }, 'https://git.lan/a/b', 'guarded'],
    [{ type: 'gitlab', owner: 'a', repo: 'b', host: 'git.example.com' }, 'https://git.example.com/a/b', 'public'],
    [{ type: 'github', owner: 'a', repo: 'b', host: 'x@127.0.0.1/' }, 'github:a/b?host=x@127.0.0.1/', 'guarded'],
    [{ type: 'git', url: 'https://example.com/a.git' }, 'git+https://example.com/a.git', 'public'],
    [{ type: 'git', url: 'https://Example.COM:8443/a.git?x=1' }, 'git+https://example.com:8443/a.git', 'public'],
    [{ type: 'git', url: 'https://public.example\\@127.0.0.1/a' }, 'git+https://…/a', 'guarded'],
    [{ type: 'git', url: 'http://example.com/a' }, 'git+http://example.com/a', 'guarded'],
    [{ type: 'git', url: 'git://example.com/a' }, 'git://example.com/a', 'guarded'],
    [{ type: 'git', url: 'ssh://git:pw@example.com/a' }, 'git+ssh://example.com/a', 'guarded'],
    [{ type: 'git', url: 'git@example.com:a' }, 'git+git@example.com:a', 'guarded'],
    [{ type: 'git', url: 'file:///root/../srv//x' }, 'git+file:///root/../srv/x', 'guarded'],
    [{ type: 'git', url: '/srv/x' }, 'git+file:///srv/x', 'guarded'],
    [{ type: 'git', url: 'ext::sh -c id' }, 'git+ext::sh -c id', 'guarded'],
    [{ type: 'hg', url: 'https://example.com/a' }, 'hg+https://example.com/a', 'guarded'],
    [{ type: 'tarball', url: 'https://example.com/a.tar.gz' }, 'https://example.com/a.tar.gz', 'public'],
    [{ type: 'tarball', url: 'https://web.example.org/a.tar.gz' }, 'https://web.example.org/a.tar.gz', 'guarded'],
    [{ type: 'file', url: 'file:///etc/%73hadow' }, 'file:///etc/shadow', 'guarded'],
    [{ type: 'path', path: '/srv/flakes/' }, 'path:/srv/flakes', 'guarded'],
    [{ type: 'path', path: './sub' }, 'path:./sub', 'inside'],
    [{ type: 'newer', url: 'https://example.com' }, 'newer:https://example.com', 'guarded'],
  ] as const)
    assert.deepEqual(source(attributes), [text, reach]);
});

test('a pattern accepts a host, or what is below an address', () => {
  for (const [pattern, text] of [
    ['git.example.org', 'git+ssh://git.example.org/a'],
    ['git.example.org', 'http://git.example.org:8080/a'],
    ['git.example.org:8080', 'http://git.example.org:8080/a'],
    ['*.example.org', 'https://git.example.org/a'],
    ['[::1]', 'http://[::1]:80/a'],
    ['[0:0:0::1]:80', 'http://[::1]:80/a'],
    ['path:/srv/flakes', 'path:/srv/flakes'],
    ['path:/srv/flakes/', 'path:/srv/flakes/a'],
    ['git+ssh://git.example.org', 'git+ssh://git.example.org/a'],
    ['GIT+ssh://git.example.org/team', 'git+ssh://git.example.org/team/a'],
    ['file:///srv', 'file:///srv/a.tar.gz'],
    ['path:/', 'path:/srv'],
    ['path:/srv/a@b', 'path:/srv/a@b/c'],
  ] as const)
    assert.equal(isSourcePattern(pattern) && accepts(pattern, text), true, `${pattern} ${text}`);
  for (const [pattern, text] of [
    ['git.example.org', 'git+ssh://git.example.org.evil.com/a'],
    ['git.example.org:22', 'git+ssh://git.example.org/a'],
    ['*.example.org', 'https://evilexample.org/a'],
    ['path:/srv/flakes', 'path:/srv/flakes-private'],
    ['path:/srv/flakes', 'git+file:///srv/flakes'],
    ['path:/srv/flakes', 'path:/srv/flakes/../private'],
    ['git+ssh://git.example.org/team', 'git+ssh://git.example.org/team/%2E./other'],
    ['git+ssh://git.example.org', 'git+http://git.example.org/a'],
    ['git+ssh://git.example.org/team', 'git+ssh://git.example.org/teams'],
    ['srv', 'path:/srv'],
  ] as const)
    assert.equal(accepts(pattern, text), false, `${pattern} ${text}`);
  for (const text of [
    '',
    '/srv',
    'srv/x',
    'path:srv',
    'ext::sh',
    'git+ssh://a?b',
    'git+ssh://u@h/a',
    'a b',
    '*',
    'x://y',
  ])
    assert.equal(isSourcePattern(text), false, text);
});
