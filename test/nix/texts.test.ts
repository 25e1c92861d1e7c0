import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDerivation, storeName } from '../../model/nix/derivation-file.js';
import { nixErrorMessage, nixErrorPosition } from '../../host/nix/error-message.js';
import { faultOf } from '../../activities/nix/faults.js';
import { revisionRewrite } from '../../activities/nix/evaluate/revision-text.js';

const OLD_NIX = `error: attribute 'config' missing

       at «string»:1:1:

            1| (builtins.getFlake "git+file:///m.git").nixosConfigurations."nt".config
             | ^
(use '--show-trace' to show detailed location information)
`;

const NEW_NIX = `error:
       … while evaluating the attribute 'nixosConfigurations.bad'
         at «git+file:///m.git?rev=c5ee11cf»/flake.nix:6:92:
            5|   outputs = { self }: {
            6|     bad = throw "boom";

       (stack trace truncated; use '--show-trace' to show the full, detailed trace)

       error: boom
       second line
       at «git+file:///m.git?rev=c5ee11cf»/hosts/bad.nix:7:9:
            7|   x
`;

const ASSERTIONS = `\u001b[31;1merror:\u001b[0m
       Failed assertions:
       - one is bad
       - two is bad
(use '--show-trace' to show detailed location information)
`;

test('an error of Nix is told as one line, in the words of old and new versions', () => {
  assert.equal(nixErrorMessage(OLD_NIX), "attribute 'config' missing");
  assert.equal(nixErrorMessage(NEW_NIX), 'boom second line');
  assert.equal(nixErrorMessage(ASSERTIONS), 'Failed assertions: - one is bad - two is bad');
  assert.equal(nixErrorMessage('remote: Enumerating objects\nKilled\n\n'), 'Killed');
  assert.equal(nixErrorMessage(''), 'no message');
  assert.ok(Buffer.byteLength(nixErrorMessage(`error: ${'ü'.repeat(900)}`, 100)) <= 100);
});

test('the place of an error is named when it is in the flake', () => {
  assert.equal(nixErrorPosition(NEW_NIX), 'hosts/bad.nix:7:9');
  assert.equal(nixErrorPosition('error: syntax error\n\n at /nix/store/abc-source/a b.nix:3:5:\n'), null);
  assert.equal(
    nixErrorPosition('error: syntax error\n\n  at /nix/store/abc-source/x/flake.nix:3:5:\n'),
    'x/flake.nix:3:5',
  );
  assert.equal(nixErrorPosition('error: syntax error\n  at /state/work/tree-1/flake.nix:3:5:\n'), 'flake.nix:3:5');
  assert.equal(nixErrorPosition(OLD_NIX), null);
});

test('what the machine or the network did is told from what the flake did', () => {
  const kind = (stderr: string, signal: string | null = null): string | null =>
    faultOf({ stderr, signal })?.kind ?? null;
  assert.equal(kind('error: boom'), null);
  assert.equal(kind('error: writing to file: No space left on device'), 'machine');
  assert.equal(
    kind("error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': Connection refused"),
    'machine',
  );
  assert.equal(kind('error: Nix daemon disconnected unexpectedly (maybe it crashed?)'), 'machine');
  assert.equal(kind("error: path '/nix/store/7ir0zqfia4isxaidylmipz12sb6znl87-source' is not valid"), 'machine');
  const lost = "path '«git+file:///in?rev=1&shallow=1»/flake.nix' does not exist";
  assert.equal(kind(`error:\n       … while updating the lock file\n\n       error: ${lost}\n`), 'machine');
  assert.equal(kind("error: path '«git+file:///in?rev=1»/hosts/missing.nix' does not exist"), null);
  assert.equal(kind("error: SQLite database '/nix/var/nix/db/db.sqlite' is busy"), 'machine');
  const sandbox =
    'error:\n       … while setting up the build environment\n\n       error: getting attributes of path "/none": No such file';
  assert.equal(kind(sandbox), 'machine');
  assert.equal(kind("error: executing '/nowhere/sh': No such file or directory"), null);
  assert.equal(kind('', 'SIGKILL'), 'machine');
  assert.equal(kind('', 'SIGSEGV'), null);
  assert.equal(kind("error: unable to download 'https://h/x': Couldn't resolve host name (6)"), 'network');
  for (const socket of [
    "cannot connect to socket at '/nix/var/nix/daemon-socket/socket'",
    'getting status of /nix/var/nix/daemon-socket/socket',
  ])
    assert.equal(kind(`error: ${socket}: Permission denied`), 'nix');
  assert.equal(kind("error: experimental Nix feature 'flakes' is disabled; use"), 'nix');
});

test('what Nix went past before a flake failed of its own does not excuse it', () => {
  const asides = [
    "warning: Ignoring setting 'flake-registry' because experimental feature 'flakes' is not enabled",
    "\u001b[35;1mwarning:\u001b[0m error: unable to download 'https://h/x': Couldn't resolve host name (6); retrying in 300 ms",
    'trace: Connection refused',
    'evaluation warning: could not connect: No space left on device',
  ];
  for (const aside of asides) assert.equal(faultOf({ stderr: `${aside}\nerror: boom`, signal: null }), null, aside);
  const ofOneHost = "error: experimental Nix feature 'fetch-closure' is disabled; add '--extra-experimental-features'";
  assert.equal(faultOf({ stderr: ofOneHost, signal: null }), null, 'a host may ask for what this Nix does not offer');
});

/** What hosts throw, quote and print, in the frames of Nix 2.8 and of newer versions. */
const WORDS = [
  'No space left on device',
  'Read-only file system',
  'Connection refused',
  'out of memory',
  'HTTP error 503',
  "error: SQLite database 'x' is busy",
  'writing to file: No space left on device',
  "unable to download 'https://h/x': Could not resolve hostname (6)",
];
const OF_HOSTS: readonly ((words: string) => string)[] = [
  (words) => `error: services.x: ${words}\n(use '--show-trace' to show detailed location information)`,
  (words) =>
    `error:\n       … while evaluating the option \`x':\n\n       (stack trace truncated)\n\n       error: services.x: ${words}`,
  (words) => `error:\n       … while calling the 'throw' builtin\n         at «string»:1:1:\n\n       error: ${words}`,
  (words) => `error: evaluation aborted with the following error message: '${words}'`,
  (words) => `error:\n       Failed assertions:\n       - ${words}\n       error: ${words}`,
  (words) => `error:\n       … while evaluating x\n\n       error:\n       Failed assertions:\n       - ${words}`,
  (words) => `error: a\n       error: ${words}`,
  (words) =>
    `error: A definition for option \`x' is not of type \`int'. Definition values:\n       - In \`y': "${words}"`,
  (words) =>
    `error: syntax error, unexpected ID\n\n       at «string»:1:44:\n\n            1| error: ${words} oops\n             |   ^`,
  (words) => `trace: a\nerror: ${words}\nerror: boom`,
  (words) =>
    `building '/nix/store/a-b.drv'...\nerror: ${words}\nfatal: ${words}\nerror: builder for '/nix/store/a-b.drv' failed with exit code 1`,
  (words) =>
    `error: builder for '/nix/store/a-b.drv' failed with exit code 1;\n       last 1 log lines:\n       > error: ${words}`,
  (words) =>
    `error:\n       … while realising\n\n       error: Cannot build '/nix/store/a-b.drv'.\n       Reason: builder failed with exit code 1.\n       Last 1 log lines:\n       > ${words}`,
];

test('words of a host are no fault of the machine, wherever it puts them', () => {
  for (const words of WORDS)
    for (const printed of OF_HOSTS)
      assert.equal(faultOf({ stderr: printed(words), signal: null }), null, printed(words));
});

test('Nix’s own words for what the machine or the network did count in every version', () => {
  const nested = (message: string): string =>
    `error:\n       … while calling the 'fetchTree' builtin\n         at «x»:1:1:\n\n       … while fetching the input 'x'\n\n       error: ${message}`;
  const messages = [
    "opening file '/nix/store/x': Too many open files",
    'creating directory "/nix/store/.x": Read-only file system',
    "cannot link '/nix/store/.links/1' to '/nix/store/2': No space left on device",
    'filesystem error: cannot create directory: No space left on device [/nix/store/x]',
    "executing SQLite statement 'create table if not exists x (\n           a\n       );': database or disk is full (in '/nix/var/nix/db/db.sqlite')",
    'unable to fork: Resource temporarily unavailable',
    'out of memory',
    "unable to download 'https://h/x': Couldn't connect to server (7)",
    "unable to download 'https://h/x': HTTP error 503 (Service Unavailable)\n\n       response body:\n\n       sorry",
    "Failed to open archive (Source threw exception: error: unable to download 'https://h/x': Could not resolve hostname (6) Could not resolve host: h)",
  ];
  for (const message of messages)
    for (const stderr of [`error: ${message}`, nested(message)])
      assert.notEqual(faultOf({ stderr, signal: null }), null, stderr);

  const git =
    "fatal: unable to access 'http://h/x.git/': Failed to connect to h port 1 after 0 ms: Couldn't connect to server";
  const ssh =
    'ssh: connect to host h port 1: Connection refused\nfatal: Could not read from remote repository.\n\nPlease make sure';
  const ofGit = [
    "error: program 'git' failed with exit code 128",
    nested("Failed to fetch git repository 'http://h/x.git'"),
    nested("Cannot find Git revision '0' in ref 'main' of repository 'http://h/x.git'! Please make sure"),
    nested("resolving Git reference 'main': revspec 'main' not found"),
  ];
  for (const said of [git, ssh])
    for (const error of ofGit) assert.equal(faultOf({ stderr: `${said}\n${error}`, signal: null })?.kind, 'network');
  assert.equal(faultOf({ stderr: `${git}\nerror: boom`, signal: null }), null, 'Nix went past it');
});

test('a derivation file is read with its escapes, and one that is cut off is refused', () => {
  const text = String.raw`Derive([("out","/nix/store/a","","")],[("/nix/store/b.drv",["dev","out"])],["/nix/store/s"],"x86_64-linux","/bin/sh",["-c","a \"b\"\n\\n\t"],[("k",""),("out","/nix/store/a")])`;
  const found = parseDerivation(text);
  assert.deepEqual(found.outputs, [{ name: 'out', path: '/nix/store/a', hashAlgorithm: '', hash: '' }]);
  assert.deepEqual(found.inputDrvs, [{ path: '/nix/store/b.drv', outputs: ['dev', 'out'] }]);
  assert.deepEqual(found.args, ['-c', 'a "b"\n\\n\t']);
  assert.deepEqual(
    [...found.env],
    [
      ['k', ''],
      ['out', '/nix/store/a'],
    ],
  );
  for (let end = 0; end < text.length; end += 7) assert.throws(() => parseDerivation(text.slice(0, end)));
  assert.throws(() => parseDerivation('DrvWithVersion("xp-dyn-drv",[])'));
  assert.equal(storeName('/nix/store/y25358mibh99yzc3hd4qi7wypsjdfak3-sys-alpha.drv'), 'sys-alpha');
});

test('facts of the candidate’s commit become those of base, and what only looks like them stays', () => {
  const rewrite = revisionRewrite(
    { revision: 'abcdef1234567890abcdef1234567890abcdef12', lastModified: 1_790_000_000 },
    { revision: '0123456789abcdef0123456789abcdef01234567', lastModified: 1_780_000_000 },
  );
  const none = new Map<string, string>();
  const cases: readonly (readonly [string, string])[] = [
    ['rev abcdef1234567890abcdef1234567890abcdef12;', 'rev 0123456789abcdef0123456789abcdef01234567;'],
    ['g-abcdef1.', 'g-0123456.'],
    ['abcdef123456 abcdef19', '0123456789ab abcdef19'],
    ['25.05.20260921.abcdef1', '25.05.20260528.0123456'],
    ['20260921-abcdef123', '20260528-012345678'],
    ['1790000000 11790000000 17900000001', '1780000000 11790000000 17900000001'],
    ['20260921141320', '20260528202640'],
    ['on 20260921 it', 'on 20260921 it'],
  ];
  for (const [text, expected] of cases) assert.equal(rewrite(text, none), expected);
  const [one, other] = ['y25358mibh99yzc3hd4qi7wypsjdfak3', 'm96vhj1zz2lbs8bmkrcnc4ab6mkd8vbj'];
  const hashes = new Map([[one, other]]);
  assert.equal(
    rewrite(`/nix/store/${one}-x/bin /nix/store/${other}-y`, hashes),
    `/nix/store/${other}-x/bin /nix/store/${other}-y`,
  );
  assert.equal(
    rewrite('/nix/store/zzabcdef1zzabcdef1zzabcdef1zzabc-y', hashes),
    '/nix/store/zzabcdef1zzabcdef1zzabcdef1zzabc-y',
  );
});
