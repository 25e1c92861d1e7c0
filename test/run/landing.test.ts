import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { atLeast } from '../../model/nix/version.js';
import { nixVersion } from '../../activities/nix/version.js';
import { run } from '../../activities/command/process.js';
import type { RunProgress } from '../../model/progress/progress.js';
import { withFleet } from '../support/fleet.js';
import { commitFiles, git } from '../support/git.js';
import { until } from '../support/lockkeeper.js';
import { connectTo, runInPhase, withServedHouse } from '../support/runs.js';
import { wholeFile } from '../support/scope.js';

const { house } = await withServedHouse(wholeFile);

const today = (): string => new Date().toISOString().slice(0, 10).replaceAll('-', '');
const HOSTS = [{ name: 'athena' }, { name: 'web.example@eu', input: 'beta' }];

test('an update lands as one reproducible commit on a dated branch, and the owner keeps the checkout as it was', async (t) => {
  const fleet = await withFleet(t, { hosts: HOSTS });
  const revision = await fleet.moveInput('alpha');
  const before = await git(fleet.checkout, 'status', '--porcelain=v2', '--branch');
  const { exitCode, report } = await house.update(fleet.checkout, '--time-zone', 'UTC');

  assert.equal(exitCode, 0);
  assert.equal(report.outcome, 'landed');
  const branches = await fleet.branches();
  assert.deepEqual(Object.keys(branches).sort(), [`flake-update-${today()}`, 'main']);
  assert.equal(branches[`flake-update-${today()}`], report.head);
  assert.equal(report.landed?.commit, report.head);
  assert.deepEqual(
    report.inputs.map(({ name, to, commits }) => [name, to, commits?.count, commits?.newest[0]?.revision]),
    [['alpha', revision, 1, revision]],
  );
  assert.deepEqual(
    report.targets.map(({ name, verdict, sameAsBase }) => [name, verdict, sameAsBase]),
    [
      ['athena', 'built', false],
      ['web.example@eu', 'built', true],
    ],
  );
  assert.equal(await git(fleet.checkout, 'status', '--porcelain=v2', '--branch'), before);

  const head = report.head ?? '';
  const message = await git(fleet.remote, 'log', '-1', '--format=%B', head);
  assert.match(message, /^chore\(flake\): update flake\.lock\n/);
  assert.match(message, /alpha/);
  assert.doesNotMatch(message, /beta/);
  assert.match(message, /web\.example@eu/);
  const trailers = await git(fleet.remote, 'log', '-1', '--format=%(trailers:key=Lockkeeper-Run,valueonly)', head);
  assert.equal(trailers.trim(), report.run);
  const identity = await git(fleet.remote, 'log', '-1', '--format=%an <%ae>|%cn <%ce>|%at %ct|%P', head);
  const started = Math.floor(Date.parse(report.startedAt) / 1000);
  assert.equal(
    identity,
    `Lockkeeper <lockkeeper@localhost>|Lockkeeper <lockkeeper@localhost>|${started} ${started}|${report.base ?? ''}`,
  );
  assert.equal(await git(fleet.remote, 'diff', '--name-only', `${report.base ?? ''}..${head}`), 'flake.lock');
  assert.deepEqual(await readdir(house.state.work), [], 'no work tree is left');

  const again = await house.update(fleet.checkout, '--time-zone', 'UTC');
  assert.equal(again.report.outcome, 'landed', 'main has not moved, so the update is still due');
  const there = { mode: 'branch', ref: `flake-update-${today()}`, commit: head, already: true };
  assert.deepEqual(again.report.landed, there);
  assert.deepEqual(await fleet.branches(), branches, 'the same update leaves the branch as it is');

  await fleet.moveInput('alpha');
  const newer = await house.update(fleet.checkout, '--time-zone', 'UTC');
  const { [`flake-update-${today()}`]: tip, ...others } = await fleet.branches();
  assert.equal(tip, newer.report.head, 'our own branch is replaced');
  assert.deepEqual(Object.keys(others), ['main']);
});

test('two flakes of a repository share one lock by a link: an update of one is an update of the other', async (context) => {
  const fleet = await withFleet(context, { hosts: [{ name: 'athena' }] });
  const sub = join(fleet.checkout, 'sub');
  await mkdir(sub);
  await copyFile(join(fleet.checkout, 'flake.nix'), join(sub, 'flake.nix'));
  await symlink('../flake.lock', join(sub, 'flake.lock'));
  const base = await commitFiles(fleet.checkout, {}, 'A second flake');
  await git(fleet.checkout, 'push', '--quiet', 'origin', 'main');
  if (atLeast(await nixVersion(), 2, 20)) {
    context.skip('this Nix reads no lock through a link');
    return;
  }
  await fleet.moveInput('alpha');
  const first = await house.update(sub);
  assert.equal(first.report.outcome, 'landed');
  const changed = await git(fleet.remote, 'diff', '--name-status', base, first.report.head ?? '');
  assert.equal(changed, 'M\tflake.lock');
  const again = await house.update(sub);
  assert.equal(again.report.landed?.already, true);
  await fleet.moveInput('alpha');
  const merged = await house.update(sub, '--land', 'merge');
  assert.equal((await fleet.branches()).main, merged.report.head);
  const other = await house.update(fleet.checkout);
  assert.equal(other.report.outcome, 'unchanged');
});

test('updates of two inputs on one day land side by side, and the second says why', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  for (const name of ['alpha', 'beta']) await fleet.moveInput(name);
  const first = await house.update(fleet.checkout, '--input', 'alpha', '--time-zone', 'UTC');
  const { report } = await house.update(fleet.checkout, '--input', 'beta', '--time-zone', 'UTC');
  assert.equal(report.outcome, 'landed');
  const [alpha, beta] = [first.report.landed?.ref ?? '', report.landed?.ref ?? ''];
  assert.match(beta, new RegExp(`^${alpha}-\\d{6}$`));
  assert.deepEqual(Object.keys(await fleet.branches()).sort(), [alpha, beta, 'main']);
  const { stdout } = await house.lockkeeper(['report', report.run]);
  assert.match(stdout, new RegExp(`not on ${alpha}, which holds an update of alpha that this one does not have`));
});

test('old branches are removed if asked for, and the report says which', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const update = (...args: readonly string[]) => house.update(fleet.checkout, '--remove-old-branches', ...args);
  await fleet.moveInput('alpha');
  const first = await update('--time-zone', 'Etc/GMT+12');
  await fleet.moveInput('alpha');
  const { exitCode, report } = await update('--time-zone', 'Etc/GMT-14');
  assert.equal(exitCode, 0);
  const [old, ref] = [first.report.landed?.ref ?? '', report.landed?.ref ?? ''];
  assert.notEqual(old, ref, 'of another day');
  assert.deepEqual(report.landed?.old, { removed: [old], kept: [] });
  assert.deepEqual(Object.keys(await fleet.branches()).sort(), [ref, 'main']);
  const { stdout } = await house.lockkeeper(['report', report.run]);
  assert.match(stdout, new RegExp(`removed 1 old branch: ${old}`));
});

test('a branch with somebody else’s commits is left alone, and the update gets a name of its own', async (t) => {
  const fleet = await withFleet(t, { hosts: HOSTS });
  await fleet.moveInput('alpha');
  const name = `bot/update-${today()}`;
  await git(fleet.checkout, 'commit', '--quiet', '--allow-empty', '--message', 'a fix by hand');
  await git(fleet.checkout, 'push', '--quiet', 'origin', `HEAD:refs/heads/${name}`);
  await git(fleet.checkout, 'reset', '--quiet', '--hard', 'origin/main');
  const theirs = (await fleet.branches())[name];
  const { exitCode, report } = await house.update(
    fleet.checkout,
    ...['--branch-prefix', 'bot/update-', '--time-zone', 'UTC'],
    ...['--author', 'Ada L <ada@example.org>', '--committer', 'Bot <bot@example.org>'],
  );
  assert.equal(exitCode, 0);
  assert.match(report.landed?.ref ?? '', new RegExp(`^${name}-\\d{6}$`));
  assert.equal(
    await git(fleet.remote, 'log', '-1', '--format=%an <%ae>|%cn <%ce>', report.head ?? ''),
    'Ada L <ada@example.org>|Bot <bot@example.org>',
  );
  const branches = await fleet.branches();
  assert.equal(branches[name], theirs);
  assert.equal(branches[report.landed?.ref ?? ''], report.head);
});

test('with nothing to move the lock is unchanged: exit status 2, nothing built and nothing pushed', async (t) => {
  const fleet = await withFleet(t, { hosts: HOSTS });
  const { exitCode, report } = await house.update(fleet.checkout);
  assert.equal(exitCode, 2);
  assert.equal(report.outcome, 'unchanged');
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
  assert.deepEqual(await fleet.builds(), []);
});

test('a moved lock that changes no closure is exit status 3, also when systems hold self.rev', async (t) => {
  for (const selfRev of [false, true]) {
    const fleet = await withFleet(t, { hosts: [{ name: 'athena' }], selfRev });
    await fleet.moveInput('beta');
    const { exitCode, report } = await house.update(fleet.checkout);
    assert.equal(report.outcome, 'landed');
    assert.equal(report.targets[0]?.sameAsBase, true);
    assert.equal(exitCode, 3, `selfRev: ${String(selfRev)}`);
    if (!selfRev) continue;
    const query = ['--query', '--binding', 'revision', report.targets[0].drvPath ?? ''];
    const { stdout } = await run('nix-store', query);
    assert.equal(stdout.trim(), report.landed?.commit, 'what was built knows itself as the commit that landed');
  }
});

test('a dry run does everything but the push, and names the branch that it would have pushed', async (t) => {
  const fleet = await withFleet(t, { hosts: HOSTS });
  await fleet.moveInput('alpha');
  const { exitCode, report } = await house.update(fleet.checkout, '--dry-run', '--time-zone', 'UTC');
  assert.equal(exitCode, 0);
  assert.equal(report.outcome, 'verified');
  assert.deepEqual(report.landed, { mode: 'none', ref: `flake-update-${today()}`, commit: report.head });
  assert.deepEqual(Object.keys(await fleet.branches()), ['main']);
  assert.equal(await fleet.buildsOf('athena'), 1);
});

test('merging fast-forwards main to the commit that was verified', async (t) => {
  const fleet = await withFleet(t, { hosts: HOSTS });
  await fleet.moveInput('alpha');
  const { exitCode, report } = await house.update(fleet.checkout, '--land', 'merge');
  assert.equal(exitCode, 0);
  assert.deepEqual(report.landed, { mode: 'merge', ref: 'main', commit: report.head });
  assert.deepEqual(await fleet.branches(), { main: report.head });
});

test('when main moves while a run builds, the update is carried over, verified again and merged', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena', seconds: 3 }] });
  const revision = await fleet.moveInput('alpha');
  const running = house.update(fleet.checkout, '--land', 'merge');
  await until(async () => (await fleet.buildsOf('athena')) > 0, 30_000);
  const theirs = await fleet.pushToMain({ 'NOTES.md': 'by a colleague\n' });
  const { exitCode, report } = await running;
  assert.equal(exitCode, 0);
  assert.equal(report.base, theirs);
  assert.equal(await git(fleet.remote, 'rev-parse', 'main^'), theirs);
  assert.deepEqual(await fleet.branches(), { main: report.head });
  assert.match(await fleet.show('main', 'flake.lock'), new RegExp(revision));
  assert.equal(await fleet.buildsOf('athena'), 1, 'the same derivation is not built again');
});

test('a commit that its owner takes back from main while a run builds stays away, and approval is asked for again', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena', seconds: 3 }] });
  const before = (await fleet.branches()).main ?? '';
  const bad = await fleet.pushToMain({ 'bad.nix': '{ }\n' });
  const revision = await fleet.moveInput('alpha');
  const running = house.start(['update', fleet.checkout, '--json', '--land', 'merge', '--approve']);
  const client = await connectTo(house);
  const { run, head } = await runInPhase(client, 'waiting-for-approval', running);
  await git(fleet.remote, 'update-ref', 'refs/heads/main', before);
  const approved = await house.lockkeeper(['approve', run, '--json']);
  assert.equal(approved.exitCode, 0, approved.stderr);
  let asked: string | null = head;
  await until(async () => {
    const { approval } = await client.workflow.getHandle(run).query<RunProgress>('progress');
    asked = approval?.commit ?? head;
    return asked !== head;
  }, 30_000);
  await client.connection.close();
  const again = await house.lockkeeper(['approve', run, '--json']);
  assert.equal(again.exitCode, 0, again.stderr);
  assert.equal(await running.ended, 0, running.output());
  assert.deepEqual(await fleet.branches(), { main: asked });
  assert.equal(await git(fleet.remote, 'rev-parse', 'main^'), before);
  assert.equal(await git(fleet.remote, 'for-each-ref', '--contains', bad), '');
  assert.match(await fleet.show('main', 'flake.lock'), new RegExp(revision));
});

test('a host that main gained meanwhile is verified with the update that is carried over', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena', seconds: 3 }] });
  await fleet.moveInput('alpha');
  const running = house.update(fleet.checkout, '--land', 'merge');
  await until(async () => (await fleet.buildsOf('athena')) > 0, 30_000);
  const flake = await fleet.show('main', 'flake.nix');
  const athena = /^ *"athena" = host \{[^}]*\};$/m.exec(flake)?.[0] ?? '';
  const theirs = flake.replace(athena, `${athena}\n${athena.replaceAll('athena', 'rhea')}`);
  await fleet.pushToMain({ 'flake.nix': `${theirs}\n` });
  const { exitCode, report } = await running;
  assert.equal(exitCode, 0);
  assert.deepEqual(
    report.targets.map(({ name, verdict }) => [name, verdict]),
    [
      ['athena', 'built'],
      ['rhea', 'built'],
    ],
  );
  assert.match(await git(fleet.remote, 'log', '-1', '--format=%B', 'main'), /rhea/);
});

test('an update that a colleague has pushed to main meanwhile ends the run: nothing is left to move', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena', seconds: 3 }] });
  await fleet.moveInput('alpha');
  const running = house.update(fleet.checkout, '--land', 'merge');
  await until(async () => (await fleet.buildsOf('athena')) > 0, 30_000);
  const theirs = await fleet.pushUpdate(['alpha']);
  const { exitCode, report } = await running;
  assert.equal(exitCode, 2);
  assert.equal(report.outcome, 'unchanged');
  assert.deepEqual(await fleet.branches(), { main: theirs });
});

/** Moves main whenever somebody pushes to it, so that the push comes too late. The quarantine of a push allows no refs. */
const MOVES_MAIN = `#!/bin/sh
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
git update-ref refs/heads/main "$(git -c user.name=x -c user.email=x commit-tree -p main -m moved 'main^{tree}')"
`;

test('an update is carried over at most five times, then the run fails and says how to go on', async (t) => {
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  await fleet.moveInput('alpha');
  await writeFile(join(fleet.remote, 'hooks', 'pre-receive'), MOVES_MAIN, { mode: 0o755 });
  const { exitCode, report } = await house.update(fleet.checkout, '--land', 'merge');
  assert.equal(exitCode, 1);
  assert.equal(report.outcome, 'failed');
  assert.match(report.error ?? '', /^main moved 6 times .*run it again when the branch is quieter, or land by branch$/);
  assert.equal(
    await git(fleet.remote, 'log', '--format=%s', 'main'),
    [...Array<string>(6).fill('moved'), 'A fleet'].join('\n'),
  );
  assert.equal(await fleet.buildsOf('athena'), 1);
});

test('a repository without a remote gets its branch locally', async (t) => {
  const fleet = await withFleet(t, { hosts: HOSTS, local: true });
  await fleet.moveInput('alpha');
  const { exitCode, report } = await house.update(fleet.checkout, '--time-zone', 'UTC');
  assert.equal(exitCode, 0);
  assert.equal((await fleet.branches())[`flake-update-${today()}`], report.head);
  assert.equal(await git(fleet.checkout, 'status', '--porcelain'), '');
});

test('a flake in a subdirectory is updated where it is', async (t) => {
  const fleet = await withFleet(t, { hosts: HOSTS, dir: 'nix/fleet' });
  await fleet.moveInput('alpha');
  const { exitCode, report } = await house.update(`${fleet.checkout}?dir=nix/fleet`);
  assert.equal(exitCode, 0);
  const changed = await git(fleet.remote, 'diff', '--name-only', `${report.base ?? ''}..${report.head ?? ''}`);
  assert.equal(changed, 'nix/fleet/flake.lock');
});

test('unpushed commits and uncommitted files of the owner are named as left out', async (t) => {
  const fleet = await withFleet(t, { hosts: HOSTS });
  await fleet.moveInput('alpha');
  await git(fleet.checkout, 'commit', '--quiet', '--allow-empty', '--message', 'not pushed yet');
  await git(fleet.checkout, 'rm', '--quiet', '--cached', 'flake.nix');
  const { exitCode, report } = await house.update(fleet.checkout);
  assert.equal(exitCode, 0);
  assert.match(report.leftOut.join('\n'), /not pushed yet/);
  assert.match(report.leftOut.join('\n'), /flake\.nix/);
});

test('only the named inputs move, and an input that cannot be fetched stays with its reason', async (t) => {
  const fleet = await withFleet(t, { hosts: HOSTS, inputs: ['alpha', 'beta', 'gamma'] });
  for (const name of ['alpha', 'beta', 'gamma']) await fleet.moveInput(name);
  const named = await house.update(fleet.checkout, '--dry-run', '--input', 'beta');
  assert.deepEqual(
    named.report.inputs.map(({ name }) => name),
    ['beta'],
  );
  await rename(fleet.inputs.gamma ?? '', `${fleet.inputs.gamma ?? ''}-gone`);
  const { exitCode, report } = await house.update(fleet.checkout, '--dry-run');
  assert.equal(exitCode, 0);
  assert.deepEqual(report.inputs.map(({ name }) => name).sort(), ['alpha', 'beta']);
  assert.deepEqual(
    report.unfetched.map(({ name }) => name),
    ['gamma'],
  );
  assert.match(report.unfetched[0]?.reason ?? '', /\S/);
});

test('a run in which no input can be asked for fails and says why, and one that asked some of them does not', async (t) => {
  const fleet = await withFleet(t, { hosts: HOSTS });
  await rename(fleet.inputs.alpha ?? '', `${fleet.inputs.alpha ?? ''}-gone`);
  const some = await house.lockkeeper(['update', fleet.checkout]);
  assert.equal(some.exitCode, 2);
  assert.match(some.stdout + some.stderr, /Nothing moved\b[^]*1 not updated: alpha/);
  const strict = await house.update(fleet.checkout, '--strict');
  assert.deepEqual([strict.exitCode, strict.report.outcome], [1, 'unchanged']);

  await rename(fleet.inputs.beta ?? '', `${fleet.inputs.beta ?? ''}-gone`);
  const { exitCode, report } = await house.update(fleet.checkout);
  assert.deepEqual([exitCode, report.outcome], [1, 'failed']);
  assert.match(report.error ?? '', /^No input could be asked for\b.*alpha \(.*\); beta \(.*\)/);
  assert.deepEqual(report.unfetched.map(({ name }) => name).sort(), ['alpha', 'beta']);
});
