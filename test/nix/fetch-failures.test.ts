import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NixVersion } from '../../model/nix/version.js';
import { cachedAnswers, fetchFailure, mayPass } from '../../activities/nix/lock/fetch-failures.js';
import { inputsAt } from '../../activities/nix/lock/inputs-at.js';
import { parseFlakeLock } from '../../model/flake-lock/parse.js';

/** What Nix printed in an update whose servers did not answer, as recorded. */

const nix = (minor: number): NixVersion => ({ major: 2, minor, text: '' });

const GIT_WORDS = `ssh: connect to host server.example port 22: Connection refused
fatal: Could not read from remote repository.

Please make sure you have the correct access rights
and the repository exists.
`;
const CONTINUING = (url: string): string =>
  `warning: could not update local clone of Git repository '${url}'; continuing with the most recent version\n`;
const RATE_LIMIT = `{
         "message": "API rate limit exceeded for 192.0.2.1.",
         "documentation_url": "https://docs.example.org/x"
       }`;

const CASES: readonly (readonly [string, number, string, ReturnType<typeof cachedAnswers>])[] = [
  [
    'a Git server, on Nix 2.8',
    8,
    GIT_WORDS + CONTINUING('ssh://git@server.example/alpha'),
    [
      {
        url: 'ssh://git@server.example/alpha',
        reason: 'ssh: connect to host server.example port 22: Connection refused',
      },
    ],
  ],
  [
    'a Git server, on Nix 2.26, which says nothing itself',
    26,
    GIT_WORDS,
    [{ url: null, reason: 'ssh: connect to host server.example port 22: Connection refused' }],
  ],
  [
    'a Git server over HTTP, on Nix 2.34',
    34,
    `fatal: unable to access 'http://me:secret@server.example/a.git/': The requested URL returned error: 403
error: Failed to fetch git repository 'http://me:secret@server.example/a.git'
${CONTINUING('http://server.example/a.git')}`,
    [
      {
        url: 'http://server.example/a.git',
        reason: "fatal: unable to access 'http://server.example/a.git/': The requested URL returned error: 403",
      },
    ],
  ],
  [
    'GitHub past its rate limit, on Nix 2.26',
    26,
    `warning: error: unable to download 'https://api.github.com/repos/o/r/commits/HEAD': HTTP error 403

       response body:

       ${RATE_LIMIT}; using cached version
`,
    [
      {
        url: 'https://api.github.com/repos/o/r/commits/HEAD',
        reason:
          "unable to download 'https://api.github.com/repos/o/r/commits/HEAD': HTTP error 403 (API rate limit exceeded for 192.0.2.1.)",
      },
    ],
  ],
  [
    'a tarball, on Nix 2.8, tried twice',
    8,
    `warning: error: unable to download 'http://server.example/x.tar.gz': Couldn't connect to server (7); retrying in 253 ms
warning: error: unable to download 'http://server.example/x.tar.gz': Couldn't connect to server (7); using cached version
`,
    [
      {
        url: 'http://server.example/x.tar.gz',
        reason: "unable to download 'http://server.example/x.tar.gz': Couldn't connect to server (7)",
      },
    ],
  ],
  [
    'nobody: a download that worked in the end, and a machine without a network card',
    34,
    `warning: you don't have Internet access; disabling some network-dependent features
warning: error: unable to download 'http://server.example/x.tar.gz': HTTP error 502; retrying in 253 ms
warning: updating lock file "/tmp/flake.lock":
`,
    [],
  ],
];

for (const [who, minor, stderr, expected] of CASES) {
  test(`an answer of the cache is told from one of upstream: ${who}`, () => {
    assert.deepEqual(cachedAnswers(stderr, nix(minor)), expected);
  });
}

test('why an input could not be fetched is told in the words of the fetcher', () => {
  const git = `fatal: couldn't find remote ref refs/heads/feature
error: program 'git' failed with exit code 128
`;
  assert.equal(fetchFailure({ stderr: git }), "fatal: couldn't find remote ref refs/heads/feature");
  const refused = `Warning: Permanently added 'server.example' (ED25519) to the list of known hosts.
remote: The project you were looking for could not be found.
remote: ========================================
fatal: Could not read from remote repository.
`;
  assert.equal(fetchFailure({ stderr: refused }), 'remote: The project you were looking for could not be found.');
  const tarball = `error:
       … while updating the flake input 'tb'

       error: Failed to open archive (Source threw exception: error: unable to download 'http://server.example/x.tar.gz': Couldn't connect to server (7))
`;
  assert.equal(
    fetchFailure({ stderr: tarball }),
    "unable to download 'http://server.example/x.tar.gz': Couldn't connect to server (7)",
  );
  const flake = `error: getting status of '/nix/store/x-source/flake.nix': No such file or directory\n`;
  assert.match(fetchFailure({ stderr: flake }), /^getting status of/);
});

test('only what may pass by itself is waited for', () => {
  assert.ok(mayPass('ssh: connect to host server.example port 22: Connection refused'));
  assert.ok(mayPass("fatal: unable to access 'https://server.example/': The requested URL returned error: 503"));
  assert.ok(mayPass("unable to download 'https://server.example/x': HTTP error 502"));
  assert.ok(!mayPass("fatal: repository 'https://server.example/a.git/' not found"));
  assert.ok(!mayPass("unable to download 'https://server.example/x': HTTP error 404"));
});

test('an address leads to the inputs that bring it along, and to all where it leads to none', () => {
  const locked = (source: Record<string, string>) => ({ locked: { rev: 'a'.repeat(40), ...source }, original: source });
  const lock = parseFlakeLock(
    JSON.stringify({
      nodes: {
        root: { inputs: { hub: 'hub', lab: 'lab', git: 'git', parent: 'parent' } },
        hub: locked({ type: 'github', owner: 'Owner', repo: 'repo' }),
        lab: locked({ type: 'gitlab', owner: 'group%2Fsub', repo: 'repo' }),
        git: locked({ type: 'git', url: 'ssh://git@server.example/a.git' }),
        parent: { ...locked({ type: 'tarball', url: 'https://server.example/x.tar.gz' }), inputs: { below: 'below' } },
        below: locked({ type: 'git', url: 'ssh://git@server.example/a.git' }),
      },
      root: 'root',
      version: 7,
    }),
  );
  const names = ['git', 'hub', 'lab', 'parent'];
  const at = (url: string | null): readonly string[] => inputsAt(lock, names, url);
  assert.deepEqual(at('https://api.github.com/repos/owner/repo/commits/HEAD'), ['hub']);
  assert.deepEqual(at('https://gitlab.com/api/v4/projects/group%2Fsub%2Frepo/repository/commits?ref_name=HEAD'), [
    'lab',
  ]);
  assert.deepEqual(at('ssh://git@server.example/a.git'), ['git', 'parent']);
  assert.deepEqual(at(null), ['git', 'parent']);
  assert.deepEqual(at('https://registry.example/flake-registry.json'), names);
});
