import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { builderLines, builderMark, readEvidence } from '../../activities/nix/build/build-log.js';
import { classifyFailure, failedDerivation, type BuildFailure } from '../../activities/nix/build/classify-failure.js';
import type { CommandStatus } from '../../activities/supervised/record.js';
import type { Shortage } from '../../activities/supervised/shortage.js';
import { storeName } from '../../model/nix/derivation-file.js';

/** Logs that real Nix versions wrote, directly and (`daemon-…`) as a client of `nix-daemon`. */
const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/build-logs/', import.meta.url));
const VERSIONS = ['2.8', '2.26', '2.34'];
const EXIT: CommandStatus = { kind: 'exit', code: 1, uptime: 1 };
const NOTHING_SHORT: Shortage = { disk: false, memory: false };

async function classify(version: string, name: string, status = EXIT, fixedOutput = false): Promise<BuildFailure> {
  const file = `${FIXTURES}${version}/${name}.log`;
  const evidence = await readEvidence(file, 0);
  const drv = failedDerivation(evidence);
  const lines = drv === null ? [] : await builderLines(file, 0, builderMark(drv), 200);
  return classifyFailure({ ...evidence, status, builderLines: lines, fixedOutput, shortage: NOTHING_SHORT });
}

interface Expected {
  readonly kind: BuildFailure['kind'];
  /** Name of the derivation to blame, without hash. */
  readonly drv: string | null;
  readonly message: RegExp;
  readonly fixedOutput?: true;
}

const TABLE: Readonly<Record<string, Expected>> = {
  dependency: { kind: 'build-failed', drv: 'fail', message: /^builder for 'fail\.drv' failed with exit code 7$/ },
  'daemon-dependency': {
    kind: 'build-failed',
    drv: 'fail',
    message: /^builder for 'fail\.drv' failed with exit code 7$/,
  },
  'two-failures': {
    kind: 'build-failed',
    drv: 'fail',
    message: /^builder for 'fail\.drv' failed with exit code 7 \(and 1 more failed\)$/,
  },
  'daemon-two-failures': {
    kind: 'build-failed',
    drv: 'fail',
    message: /^builder for 'fail\.drv' failed with exit code 7 \(and 1 more failed\)$/,
  },
  'hash-mismatch': { kind: 'build-failed', drv: 'hash', message: /^'hash\.drv': hash mismatch/ },
  'no-output': { kind: 'build-failed', drv: 'nout', message: /^builder for 'nout\.drv' failed to produce output/ },
  'no-builder': { kind: 'build-failed', drv: 'nobuilder', message: /failed with exit code 1$/ },
  'other-system': { kind: 'build-failed', drv: 'arch', message: /^'arch\.drv': a.*'aarch64-linux'.*is required$/ },
  // A Mac that is named in nix.conf and switched off.
  'builder-away': {
    kind: 'infrastructure',
    drv: 'mac',
    message:
      /^no remote builder can be reached: cannot build on 'ssh-ng:\/\/mac': .*'mac\.drv': a.*'aarch64-darwin'.*is required$/,
  },
  'timed-out': { kind: 'timed-out', drv: 'slow', message: /^building 'slow\.drv' timed out after 2 seconds$/ },
  silent: { kind: 'timed-out', drv: 'silent', message: /^building 'silent\.drv' timed out after 2 seconds/ },
  'daemon-silent': { kind: 'timed-out', drv: 'silent', message: /^building 'silent\.drv' timed out after 2 seconds/ },
  killed: { kind: 'infrastructure', drv: 'selfkill', message: /failed due to signal 9/ },
  'daemon-killed': { kind: 'infrastructure', drv: 'selfkill', message: /failed due to signal 9/ },
  'daemon-gone': { kind: 'infrastructure', drv: null, message: /daemon|end-of-file/ },
  'no-daemon': { kind: 'infrastructure', drv: null, message: /daemon cannot be reached/ },
  collected: { kind: 'infrastructure', drv: null, message: /no longer in the store/ },
  'disk-full': { kind: 'infrastructure', drv: 'full', message: /no space left/i },
  'disk-full-nix': { kind: 'infrastructure', drv: null, message: /no space left/ },
  'no-sandbox': { kind: 'infrastructure', drv: null, message: /^Nix cannot set up its sandbox: getting attributes/ },
  network: { kind: 'infrastructure', drv: 'fetch', message: /the network failed/, fixedOutput: true },
};

for (const version of VERSIONS) {
  for (const [name, expected] of Object.entries(TABLE)) {
    if (!existsSync(`${FIXTURES}${version}/${name}.log`)) continue;
    test(`${name} of Nix ${version} is ${expected.kind}`, async () => {
      const failure = await classify(version, name, EXIT, expected.fixedOutput ?? false);
      assert.equal(failure.kind, expected.kind, failure.message);
      assert.match(failure.message, expected.message);
      // When Nix itself ran out of space it no longer says in which derivation.
      if (name !== 'disk-full') {
        assert.equal(failure.failedDrv === null ? null : storeName(failure.failedDrv), expected.drv);
      }
    });
  }
}

test('a build that was ended from outside is no verdict, whatever its log says', async () => {
  for (const status of [
    { kind: 'lease', code: 143, uptime: 1 },
    { kind: 'stopped', code: 143, uptime: 1 },
    { kind: 'exit', code: 137, uptime: 1 },
  ] as const) {
    assert.equal((await classify('2.8', 'dependency', status)).kind, 'infrastructure');
  }
});

interface Circumstances {
  readonly fixedOutput?: boolean;
  readonly shortage?: Shortage;
}

const judge = (
  nixLines: readonly string[],
  builder: readonly string[] = [],
  { fixedOutput = false, shortage = NOTHING_SHORT }: Circumstances = {},
): BuildFailure =>
  classifyFailure({ nixLines, started: [], status: EXIT, builderLines: builder, fixedOutput, shortage });
const FAILED = "error: builder for '/nix/store/00000000000000000000000000000000-x.drv' failed with exit code 1";

test('a builder without network that complains of the network is a verdict, one that downloads is not', () => {
  const said = ['curl: (6) Could not resolve host: example.org'];
  assert.equal(judge([FAILED], said).kind, 'build-failed');
  assert.equal(judge([FAILED], said, { fixedOutput: true }).kind, 'infrastructure');
});

test('a builder’s words of a machine in trouble count only where the machine was seen to be so', () => {
  const words: readonly (readonly [string, keyof Shortage | null])[] = [
    ['c++: fatal error: Killed signal terminated program cc1plus', 'memory'],
    ['fork: Cannot allocate memory', 'memory'],
    ['dd: error writing x: No space left on device', 'disk'],
    ['test failed: Read-only file system', null],
    ['error: writing to file: No space left on device', 'disk'],
    ["error: SQLite database 'x' is busy", null],
    ['out of memory', null],
    ['HTTP error 503', null],
  ];
  const new34 = [
    "error: Cannot build '/nix/store/00000000000000000000000000000000-x.drv'.",
    '       Reason: builder failed with exit code 1.',
  ];
  for (const [said, short] of words) {
    // 2.8 and 2.34 quote the end of the builder's log where there is no terminal.
    const quoted = ['       last 1 log lines:', `       > ${said}`];
    for (const lines of [[FAILED], [`${FAILED};`, ...quoted], [...new34, ...quoted]]) {
      assert.equal(judge(lines, [said]).kind, 'build-failed', said);
      for (const kind of ['disk', 'memory'] as const) {
        const shortage = { ...NOTHING_SHORT, [kind]: true };
        const expected = kind === short ? 'infrastructure' : 'build-failed';
        assert.equal(judge(lines, [said], { shortage }).kind, expected, `${said}, short of ${kind}`);
      }
    }
  }
});

test('a builder that Nix saw fail on a full disk is no verdict, and one that crashed by itself is', () => {
  const note = '       note: build failure may have been caused by lack of free disk space';
  assert.match(judge([`${FAILED};`, note]).message, /^no space left: builder for/);
  assert.equal(
    judge([FAILED.replace('with exit code 1', 'due to signal 11 (Segmentation fault)')]).kind,
    'build-failed',
  );
});

test('what was killed while the kernel wanted memory is told as out of memory, and what failed by itself meanwhile is a verdict', () => {
  const short = (line: string, builder: readonly string[] = [], status: CommandStatus = EXIT): BuildFailure =>
    classifyFailure({
      nixLines: [line],
      started: [],
      status,
      builderLines: builder,
      fixedOutput: false,
      shortage: { disk: false, memory: true },
    });
  const killed = [
    short(FAILED.replace('with exit code 1', 'due to signal 9 (Killed)')),
    short(FAILED.replace('code 1', 'code 137')),
    short(FAILED.replace('code 1', 'code 2'), [
      '/bin/sh: line 3:   211 Killed      cc1 -O2',
      'make: *** [x.o] Error 137',
    ]),
    short('', [], { kind: 'exit', code: 137, uptime: 1 }),
  ];
  for (const { kind, message } of killed) {
    assert.equal(kind, 'infrastructure');
    assert.match(message, /^out of memory: /);
  }
  assert.equal(short(FAILED, ['error: option boot.loader is gone']).kind, 'build-failed');
  assert.equal(judge([FAILED.replace('code 1', 'code 137')], ['Killed']).kind, 'build-failed', 'nobody wanted memory');
});

test('a failure that no retry cures is a verdict even beside one that may be cured', () => {
  const killed = FAILED.replace('x.drv', 'y.drv').replace('with exit code 1', 'due to signal 9 (Killed)');
  const failure = judge([killed, FAILED]);
  assert.equal(failure.kind, 'build-failed');
  assert.match(failure.message, /^builder for 'x\.drv'/);
  const away = [
    "cannot build on 'ssh-ng://mac': error: failed to start SSH connection to 'mac'",
    "error: a 'aarch64-darwin' with features {} is required to build '/nix/store/00000000000000000000000000000000-y.drv', but I am a 'x86_64-linux' with features {}",
  ];
  assert.match(judge([...away, FAILED]).message, /^builder for 'x\.drv' failed .* \(and 1 more failed\)$/);
  assert.equal(judge(away).kind, 'infrastructure');
  assert.equal(judge(away.slice(1)).kind, 'build-failed', 'no builder was tried');
});

test('an error of Nix that nobody knows is a verdict with its text, and silence is not', () => {
  assert.deepEqual(judge(['error: the moon is in the way']).message, 'the moon is in the way');
  assert.equal(judge(['error: the moon is in the way']).kind, 'build-failed');
  assert.equal(judge([]).kind, 'infrastructure');
});
