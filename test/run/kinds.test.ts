import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BUILT_OUTSIDE } from '../support/agent.js';
import { withFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { addEveryKind } from '../support/kinds-flake.js';
import { withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house } = await withServedHouse(wholeFile);

test('targets of every kind are verified, required and repaired by holding back, each under a name of its own', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await addEveryKind(fleet);
  await fleet.moveInput('alpha');
  await fleet.moveInput('beta');
  const patterns = [
    'nixos:*,nixos:athena.config.system.build.isoImage,home:*,!home:bob,darwin:*,package:*,check:*,devShell:*',
    'attr:hydraJobs."x.y".*,attr:hydraJobs.web',
  ];
  const { exitCode, report, stderr } = await house.update(
    fleet.checkout,
    ...patterns.flatMap((each) => ['--targets', each]),
  );
  assert.equal(exitCode, 0, stderr);
  assert.equal(report.outcome, 'landed');
  assert.deepEqual(
    report.targets.map(({ name, kind, verdict }) => [name, kind, verdict]),
    [
      ['athena', 'nixos', 'built'],
      ['nixos:athena.config.system.build.isoImage', 'nixos-attribute', 'built'],
      ['home:alice@web', 'home', 'built'],
      ['darwin:mac', 'darwin', 'built'],
      ['package:aarch64-darwin.*', 'package', 'evaluation-failed'],
      ['package:x86_64-linux.a.b', 'package', 'built'],
      ['package:x86_64-linux.bad', 'package', 'evaluation-failed'],
      ['package:x86_64-linux.odd', 'package', 'evaluation-failed'],
      ['package:x86_64-linux.same', 'package', 'built'],
      ['package:x86_64-linux.two', 'package', 'built'],
      ['check:x86_64-linux.same', 'check', 'built'],
      ['devShell:x86_64-linux.default', 'dev-shell', 'built'],
      ['attr:hydraJobs."x.y".x86_64-linux', 'attribute', 'built'],
      ['attr:hydraJobs.web', 'attribute', 'built'],
    ],
  );
  const errorOf = (label: string): string => report.targets.find(({ name }) => name === label)?.error ?? '';
  assert.match(errorOf('package:aarch64-darwin.*'), /nothing is packaged for darwin/);
  assert.match(errorOf('package:x86_64-linux.bad'), /this package is gone/);
  assert.match(errorOf('package:x86_64-linux.odd'), /packages\.x86_64-linux\.odd is not a derivation/);
  assert.deepEqual(
    report.heldBack.map(({ input, targets }) => [input, targets]),
    [['beta', ['check:x86_64-linux.same']]],
  );
  assert.deepEqual(report.brokenOnBase, [
    'package:aarch64-darwin.*',
    'package:x86_64-linux.bad',
    'package:x86_64-linux.odd',
  ]);
  assert.deepEqual(report.notAsked, ['home:bob']);

  const shown = (await house.lockkeeper(['report', report.run])).stdout;
  assert.match(shown, /1 of 1 host built · 1 of 1 host attribute built · 1 of 1 home configuration built/);
  assert.match(shown, /3 of 6 packages built · 1 of 1 check built/);
  assert.match(shown, /^Targets$/m);
  assert.match(shown, /^ {2}✔ +package:x86_64-linux\.a\.b +x86_64-linux +built +changed/m);
  const log = await house.lockkeeper(['logs', report.run, 'package:x86_64-linux.two']);
  assert.equal(log.exitCode, 0, log.stderr);
  const message = await git(fleet.remote, 'log', '-1', '--format=%B', report.landed?.ref ?? '');
  assert.match(message, /^Targets that this run verifies:\n {2}athena, nixos:athena\.config/m);
});

test('a flake without hosts says what to type, and that is right', async (t) => {
  const fleet = await withFleet(t, { hosts: [] });
  await addEveryKind(fleet);
  await fleet.moveInput('alpha');
  const wrong = await house.lockkeeper(['update', fleet.checkout, '--dry-run']);
  assert.equal(wrong.exitCode, 1);
  assert.match(wrong.stderr, /has no hosts: .*--targets '[^']*check:\*/);
  const typed = /--targets '([^']+)'/.exec(wrong.stderr)?.[1] ?? '';
  const { report, stderr } = await house.update(
    fleet.checkout,
    '--dry-run',
    '--targets',
    typed,
    '--require',
    'check:*',
  );
  assert.equal(report.outcome, 'verified', stderr);

  const refused = await house.lockkeeper(['update', fleet.checkout, '--targets', 'pakage:*,devshell:*', '--host', 'a']);
  assert.equal(refused.exitCode, 1);
  assert.match(refused.stderr, /--targets "pakage:\*" does not begin with a kind of target: did you mean "package:"\?/);
  assert.match(
    refused.stderr,
    /--targets "devshell:\*" does not begin with a kind of target: did you mean "devShell:"\?/,
  );
});

test('an agent fixes a check that an update breaks, beside a package that is asked for, and a gate runs on that', async (t) => {
  const fleet = await withFleet(t, { hosts: [] });
  await addEveryKind(fleet);
  await fleet.moveInput('beta');
  const agent = join(house.root, 'fix-check');
  const edit = `s/echo the check finds fault >&2; exit 7/echo fixed > $out/`;
  await writeFile(agent, `#!/bin/sh\nsed -i '${edit}' flake.nix\n`, { mode: 0o755 });
  const { exitCode, report, stderr } = await house.update(
    fleet.checkout,
    ...['--targets', 'check:*,package:x86_64-linux.two', '--autofix', agent, ...BUILT_OUTSIDE],
    ...['--gate', 'fixed=grep -q "echo fixed" flake.nix'],
  );
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(
    report.targets.map(({ name, verdict }) => [name, verdict]),
    [
      ['package:x86_64-linux.two', 'built'],
      ['check:x86_64-linux.same', 'built'],
    ],
  );
  assert.deepEqual(
    (report as unknown as { gates: readonly { name: string; verdict: string }[] }).gates.map(({ name, verdict }) => [
      name,
      verdict,
    ]),
    [['gate:fixed', 'passed']],
  );
  assert.deepEqual(
    report.fixes.map(({ target, attempts }) => [target, attempts.map(({ outcome }) => outcome)]),
    [['check:x86_64-linux.same', ['mended']]],
  );
  assert.deepEqual(report.heldBack, []);
});
