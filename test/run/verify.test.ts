import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { withFleet } from '../support/fleet.js';
import { commitFiles, git } from '../support/git.js';
import { runInPhase, withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house, client } = await withServedHouse(wholeFile);
const fleet = await withFleet(wholeFile, {
  hosts: [{ name: 'athena' }, { name: 'rhea', fail: 'build-after-move', input: 'beta' }, { name: 'delos' }],
  selfRev: true,
});

async function verify(
  ...args: readonly string[]
): Promise<{ readonly exitCode: number | null; readonly report: Report }> {
  const { exitCode, stdout, stderr } = await house.lockkeeper(['verify', fleet.checkout, '--json', ...args]);
  assert.notEqual(stdout, '', stderr);
  return { exitCode, report: JSON.parse(stdout) as Report };
}

/** Branches of the three hosts, at commits. */
const channels = (athena: string, delos: string, rhea: string): Readonly<Record<string, string>> => ({
  ...{ 'tested-athena': athena, 'tested-delos': delos, 'tested-rhea': rhea },
});

const verdicts = ({ targets }: Report): readonly string[] =>
  targets.map(({ name, verdict, knownFrom }) =>
    [name, verdict, ...(knownFrom === undefined ? [] : [knownFrom])].join(' '),
  );

test('main is verified as it is, beside an update that waits for approval; channels are made, and nothing is built or evaluated again', async () => {
  await fleet.moveInput('alpha');
  const update = house.start(['update', fleet.checkout, '--approve', '--json']);
  const { run: waiting } = await runInPhase(client, 'waiting-for-approval', update);
  const { main = '' } = await fleet.branches();

  const { exitCode, report } = await verify('--gate', 'here=test -e flake.nix', '--channel', 'tested-{host}');
  assert.equal(exitCode, 0);
  assert.deepEqual([report.outcome, report.base, report.head, report.landed], ['verified', main, main, null]);
  assert.deepEqual(verdicts(report), ['athena built', 'delos built', 'rhea built']);
  const text = (await house.lockkeeper(['report', report.run])).stdout;
  assert.match(text, /^✔ Verified main /);
  assert.match(text, new RegExp(`commit of main \\(${main.slice(0, 12)}\\)`));
  assert.match(text, /gate:here +passed/);
  assert.match(
    text,
    new RegExp(`3 of 3 channels moved\n[^]*\nChannels\n  tested-athena +made at ${main.slice(0, 12)}\n`),
  );
  assert.doesNotMatch(text, /not known|pushed/);

  const builds = await fleet.builds();
  const second = await verify();
  assert.deepEqual(
    [second.exitCode, verdicts(second.report)],
    [0, ['athena', 'delos', 'rhea'].map((name) => `${name} built ${report.run}`)],
  );
  const { events } = await client.workflow.getHandle(second.report.run).fetchHistory();
  assert.equal(
    (events ?? []).some(
      ({ startChildWorkflowExecutionInitiatedEventAttributes: child }) =>
        child?.workflowType?.name === 'verifyCandidate',
    ),
    false,
  );
  assert.deepEqual(await fleet.builds(), builds);

  assert.equal((await house.lockkeeper(['reject', waiting, '--yes'])).exitCode, 0);
  assert.equal(await update.ended, 4);
  assert.deepEqual(await fleet.branches(), { main, ...channels(main, main, main) });
});

test('a push that breaks a host makes a run of an instance that verifies fail, and a failure is not tried again but by --again', async () => {
  await fleet.moveInput('beta');
  const { main: before = '' } = await fleet.branches();
  const pushed = await fleet.pushUpdate(['beta']);
  const file = path.join(house.root, 'lockkeeper.toml');
  await writeFile(
    file,
    `[instances.watch]\nmode = "verify"\nrepoPath = "${fleet.checkout}"\nland = "merge"\nchannel = "tested-{host}"\n`,
  );
  const { exitCode, stdout, stderr } = await house.lockkeeper(['run', 'watch', '--watch', '--json', '--config', file]);
  assert.equal(exitCode, 1, stderr);
  const report = JSON.parse(stdout) as Report;
  assert.deepEqual([report.instance, report.outcome, report.head], ['watch', 'broken', pushed]);
  assert.deepEqual(verdicts(report), ['athena built', 'delos built', 'rhea build-failed']);
  assert.deepEqual(
    report.channels.map(({ target, outcome, from, to }) => [target, outcome, from, to]),
    [
      ['athena', 'moved', before, pushed],
      ['delos', 'moved', before, pushed],
      ['rhea', 'not-moved', before, pushed],
    ],
  );
  assert.deepEqual(await fleet.branches(), { main: pushed, ...channels(pushed, pushed, before) });
  const text = (await house.lockkeeper(['report', report.run])).stdout;
  assert.match(text, /^✘ Broken on main /);
  assert.match(text, /tested-rhea +stays at [0-9a-f]{12}: rhea was not built there \(build failed\)\n/);

  const known = await verify();
  assert.deepEqual([known.exitCode, verdicts(known.report)[2]], [1, `rhea build-failed ${report.run}`]);
  assert.match(known.report.targets[2]?.logTail ?? '', /option boot\.loader of rhea is gone/);
  const builds = (await fleet.builds()).length;
  const again = await verify('--again', '--require', 'athena');
  assert.deepEqual([again.exitCode, verdicts(again.report)[2]], [0, 'rhea build-failed']);
  assert.ok((await fleet.builds()).length > builds);
});

test('an update that lands on main moves the channels of what it has built; a main that loses commits moves none, and is said', async () => {
  const { main: before = '', 'tested-rhea': rhea = '' } = await fleet.branches();
  const landing = ['--land', 'merge', '--channel', 'tested-{host}', '--require', 'athena', '--require', 'delos'];
  const { exitCode, report, stderr } = await house.update(fleet.checkout, ...landing);
  assert.deepEqual([exitCode, report.outcome], [0, 'landed'], stderr);
  const head = report.head ?? '';
  assert.deepEqual(await fleet.branches(), { main: head, ...channels(head, head, rhea) });

  await git(fleet.remote, 'update-ref', 'refs/heads/main', before);
  const lost = await verify('--channel', 'tested-{host}');
  assert.deepEqual(
    lost.report.channels.map(({ target, outcome, lost: commit }) => [target, outcome, commit]),
    [
      ['athena', 'not-moved', head],
      ['delos', 'not-moved', head],
      ['rhea', 'not-moved', undefined],
    ],
  );
  const { stdout } = await house.lockkeeper(['report', lost.report.run]);
  assert.match(stdout, new RegExp(`The main branch does not have commit ${head.slice(0, 12)}: it was force-pushed`));
  assert.deepEqual(await fleet.branches(), { main: before, ...channels(head, head, rhea) });

  const listed = await house.json<readonly { channel: string; commit: string; behind: number | null; why: string }[]>([
    'channels',
    fleet.checkout,
    ...['--channel', 'tested-{host}'],
  ]);
  assert.deepEqual(
    listed.map(({ channel, commit, behind }) => [channel, commit, behind]),
    [
      ['tested-athena', head, null],
      ['tested-delos', head, null],
      ['tested-rhea', rhea, 1],
    ],
  );
  assert.match(
    listed[0]?.why ?? '',
    /^main does not have its commit \(any more\): "lockkeeper channels reset" moves it/,
  );
  assert.match(listed[2]?.why ?? '', /^rhea was not built there \(build failed.*\) \(verify-/);
  await git(fleet.remote, 'branch', 'tested-naxos', rhea);
  const file = path.join(house.root, 'channels.toml');
  await writeFile(
    file,
    `[instances.own]\nrepoPath = "${fleet.checkout}"\nmode = "verify"\nchannel = "tested-{host}"\n`,
  );
  const own = ['own', '--config', file];
  assert.match(
    (await house.lockkeeper(['channels', ...own])).stdout,
    /\ntested-naxos .* its target is gone from the flake: remove the branch/,
  );
  const reset = await house.lockkeeper(['channels', 'reset', 'athena', ...own]);
  assert.deepEqual([reset.exitCode, reset.stdout], [0, `tested-athena: ${head} → ${before}\n`], reset.stderr);
  assert.equal((await house.lockkeeper(['channels', 'reset', 'naxos', '--remove', ...own])).exitCode, 0);
  const unbuilt = await house.lockkeeper(['channels', 'reset', 'rhea', '--remove', 'own', '--config', file]);
  assert.deepEqual(
    [unbuilt.exitCode, unbuilt.stdout],
    [0, `tested-rhea: removed; it was at ${rhea}\n`],
    unbuilt.stderr,
  );
  const after = (await house.lockkeeper(['channels', ...own])).stdout;
  assert.match(after, /^tested-athena +[0-9a-f]{12} +at main /);
  assert.match(after, /\ntested-rhea +not there +rhea was not built there/);
  assert.doesNotMatch(after, /naxos/);

  const refused = await house.lockkeeper(['verify', fleet.checkout, '--channel', 'main/{host}']);
  assert.equal(refused.exitCode, 1);
  assert.match(
    refused.stderr + refused.stdout,
    /channel "main\/\{host\}" needs branches main and main\/athena, which Git cannot/,
  );
});

test('what a commit that nobody has pushed changes is told beside main and other references, and nothing is pushed', async () => {
  const { checkout, remote } = fleet;
  await fleet.moveInput('beta');
  const main = await fleet.pushUpdate(['beta']);
  const moved = await fleet.moveInput('alpha');
  const pushed = await fleet.pushUpdate(['alpha']);
  await git(checkout, 'pull', '--quiet', '--ff-only');
  await git(remote, 'update-ref', 'refs/heads/main', main);
  await git(remote, 'tag', 'after', pushed);
  await writeFile(path.join(checkout, 'note'), '');
  const branches = await fleet.branches();

  const compare = (...args: readonly string[]) => house.lockkeeper(['update', checkout, '--skip-update', ...args]);
  const { exitCode, stdout, stderr } = await compare('--json', '--build-base');
  assert.equal(exitCode, 0, stderr);
  const report = JSON.parse(stdout) as Report;
  assert.deepEqual(
    [report.instance, report.outcome, report.base, report.head, report.brokenOnBase],
    ['compare', 'verified', main, pushed, ['rhea']],
  );
  assert.deepEqual(
    report.inputs.map(({ name, commits }) => [name, commits?.newest[0]?.revision]),
    [['alpha', moved]],
  );
  assert.deepEqual(report.compared, { revision: `commit ${pushed.slice(0, 12)}`, against: 'main' });
  assert.deepEqual(
    report.targets.map(({ name, sameAsBase, closure }) => [name, sameAsBase, closure?.kind]),
    [
      ['athena', false, 'compared'],
      ['delos', false, 'compared'],
      ['rhea', true, undefined],
    ],
  );
  assert.deepEqual(report.leftOut, ['1 uncommitted file: note']);
  const text = (await house.lockkeeper(['report', report.run])).stdout;
  assert.match(text, /^✔ Compared with main, nothing pushed /);
  assert.match(text, new RegExp(`commit ${pushed.slice(0, 12)} compared with main \\(${main.slice(0, 12)}\\)`));

  assert.match(text, /rhea .*build failed \(broken before\) /);

  const itself = await compare('--against', 'after');
  assert.equal(itself.exitCode, 2, itself.stderr);
  assert.match(itself.stdout, /• Nothing to compare: the same as after/);

  const faults: readonly (readonly [args: readonly string[], said: RegExp])[] = [
    [
      ['--against', 'gone'],
      /has no branch, tag or commit "gone"\. It has: main[^.]*\. Name another one with --against\./,
    ],
    [
      ['--land', 'merge', '--input', 'alpha'],
      /--input does nothing beside --skip-update[^]*--land does nothing beside/,
    ],
    [['--against', '-x'], /--against/],
  ];
  for (const [args, said] of faults) {
    const refused = await compare(...args);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, said);
  }
  assert.deepEqual(await fleet.branches(), branches);
});

test('a branch that adds and removes hosts is compared: what is gone is said, and so is what was broken before', async () => {
  const { checkout, remote } = fleet;
  const { main = '' } = await fleet.branches();
  await git(checkout, 'checkout', '--quiet', '-b', 'renamed', main);
  const flake = await fleet.show(main, 'flake.nix');
  const head = await commitFiles(
    checkout,
    { 'flake.nix': flake.replace('"delos" = host', '"naxos" = host') },
    'Rename',
  );
  await writeFile(path.join(checkout, 'other'), '');
  const compare = async (...args: readonly string[]) => {
    const compared = await house.lockkeeper(['update', checkout, '--skip-update', '--json', ...args]);
    assert.notEqual(compared.stdout, '', compared.stderr);
    return { exitCode: compared.exitCode, report: JSON.parse(compared.stdout) as Report };
  };

  const all = await compare();
  assert.deepEqual(
    [all.exitCode, verdicts(all.report), all.report.error],
    [0, ['athena built', 'naxos built', 'rhea build-failed'], null],
  );
  assert.deepEqual([all.report.head, all.report.gone], [head, ['delos']]);
  assert.deepEqual(all.report.leftOut, ['1 uncommitted file: other']);
  assert.match((await house.lockkeeper(['report', all.report.run])).stdout, /^.* · 1 gone: delos · /m);

  const named = await compare('--host', 'rhea', '--host', 'naxos');
  assert.deepEqual([named.exitCode, named.report.brokenOnBase, named.report.gone], [0, ['rhea'], undefined]);

  const tree = await git(checkout, 'hash-object', '-t', 'tree', '-w', '/dev/null');
  const empty = await git(checkout, 'commit-tree', '-m', 'Nothing', tree);
  await git(checkout, 'push', '--quiet', '--force', 'origin', `${empty}:refs/heads/main`);
  const added = await compare('--host', 'naxos');
  assert.deepEqual([added.exitCode, added.report.outcome, verdicts(added.report)], [0, 'verified', ['naxos built']]);
  const lacking = await house.lockkeeper([
    'update',
    `git+file://${remote}?ref=main`,
    '--skip-update',
    '--against',
    main,
  ]);
  assert.equal(lacking.exitCode, 1);
  assert.match(lacking.stderr, new RegExp(`There is no flake\\.nix at commit ${empty.slice(0, 12)} of main in `));
});
