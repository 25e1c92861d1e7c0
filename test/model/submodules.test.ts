import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksForSubmodules, submoduleAddress, withoutSubmodules } from '../../model/flake-lock/submodules.js';

test('the address of a submodule is what Git makes of it, and nothing where it leads out of its host', () => {
  for (const [url, of, address] of [
    ['https://h.example/x', null, 'https://h.example/x'],
    ['/srv/x', 'https://h.example/a/b', '/srv/x'],
    ['../x', 'https://h.example/a/b', 'https://h.example/a/x'],
    ['./x/y', 'https://h.example:8/a/b/', 'https://h.example:8/a/b/x/y'],
    ['../../x', 'https://h.example/a/b', null],
    ['../../../169.254.169.254/x', 'https://h.example/a/b', null],
    ['../x', 'file:///srv/a', 'file:///srv/x'],
    ['../x', '/srv/a', '/srv/x'],
    ['../x', null, null],
    ['git@h.example:a/b', null, 'ssh://h.example/a/b'],
    ['ext::sh -c true', null, null],
    ['x/y', 'https://h.example/a/b', null],
  ] as const)
    assert.equal(submoduleAddress(url, of), address, url);
});

test('submodules are asked for by attribute or address, and left out of both', () => {
  for (const [wish, without] of [
    [{ url: 'git+https://h/x?submodules=1&ref=a' }, { url: 'git+https://h/x?submodules=0&ref=a' }],
    [
      { type: 'git', url: 'https://h/x', submodules: true },
      { type: 'git', url: 'https://h/x', submodules: false },
    ],
  ] as const) {
    assert.ok(asksForSubmodules(wish));
    assert.deepEqual(withoutSubmodules(wish), without);
    assert.ok(!asksForSubmodules(without));
  }
});
