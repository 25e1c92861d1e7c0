import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../../activities/command/process.js';
import type { TargetChange } from '../../model/closure/closure.js';
import type { Report } from '../../model/report/data.js';
import { nvd, nvdFile } from '../support/advisories.js';
import { createFleet } from '../support/fleet.js';
import { openHouse } from '../support/lockkeeper.js';

/** Removes a path from the store, unless something keeps it there. */
const remove = (storePath: string): ReturnType<typeof run> => run('nix-store', ['--delete', storePath]);

const changes = ({ targets }: Report): Readonly<Record<string, TargetChange | undefined>> =>
  Object.fromEntries(targets.map(({ name, closure }) => [name, closure]));

test('a report compares each host with what it replaces, which an update keeps in the store for the next one', async () => {
  const house = await openHouse();
  const fleet = await createFleet({ hosts: [{ name: 'athena' }, { name: 'zeus', input: 'beta' }] });
  try {
    await house.dev();
    const update = async (...more: readonly string[]): Promise<Report> => {
      const words = [fleet.checkout, '--land', 'merge', '--json', ...more];
      const { exitCode, stdout, stderr } = await house.lockkeeper(['update', ...words]);
      assert.equal(exitCode, 0, stderr);
      return JSON.parse(stdout) as Report;
    };
    await fleet.moveInput('alpha');
    const report = await update();
    assert.deepEqual(
      changes(report),
      { athena: changes(report).athena, zeus: null },
      'of zeus only the revision differs',
    );
    assert.equal(changes(report).athena?.kind, 'no-base');
    const built = report.targets.map(({ outPath }) => outPath ?? '');
    for (const each of built) assert.match((await remove(each)).stderr, /alive/);

    await fleet.moveInput('alpha');
    const advisories = path.join(fleet.root, 'advisories');
    await mkdir(advisories);
    await writeFile(path.join(advisories, 'one.json'), nvdFile([nvd('CVE-2026-1', 'curl', {})]));
    const second = changes(await update('--advisories', advisories));
    assert.equal(second.athena?.kind, 'compared');
    // The system is all that the host has at run time.
    assert.deepEqual([second.athena.configuration, second.athena.packages], [1, []]);
    assert.deepEqual(second.athena.switching, { reboot: [], refuses: [] });
    const full = await house.lockkeeper(['report', 'latest', '--full']);
    assert.deepEqual([full.exitCode, full.stderr], [0, ''], 'this machine has all of it');
    assert.match(full.stdout, /What changes on athena\n/);
    assert.equal(second.athena.vulnerabilities?.kind, 'checked');
    assert.deepEqual(
      [second.athena.vulnerabilities.newest, second.athena.vulnerabilities.counts.introduced],
      ['2026-11-28T10:00:00.000Z', 0],
    );

    await fleet.moveInput('alpha');
    const site = path.join(fleet.root, 'site');
    const third = await update('--keep-closures', '0', '--site-dir', site);
    // Made when the run is closed, with the runs before it.
    const pages = await readdir(path.join(site, 'runs'));
    assert.deepEqual([pages.length, pages.includes(`${third.run}.html`)], [3, true]);
    const first = await readFile(path.join(site, 'index.html'), 'utf8');
    for (const each of ['athena', 'zeus', encodeURIComponent(third.run)]) assert.ok(first.includes(each), each);
    assert.match(await readFile(path.join(site, 'runs', `${third.run}.html`), 'utf8'), /1 setting/);
    assert.equal(changes(third).athena?.kind, 'compared');
    const kept = (await readdir(house.state.closures, { recursive: true })).filter(
      (each) => path.dirname(path.dirname(each)) !== '.',
    );
    assert.deepEqual(kept, []);
    for (const each of built) assert.equal((await remove(each)).exitCode, 0);

    // What main holds now is taken out of the store, and built to be compared with.
    const removed = await remove(third.targets[0]?.outPath ?? '');
    assert.equal(removed.exitCode, 0, removed.stderr);
    await fleet.moveInput('alpha');
    const before = await fleet.buildsOf('athena');
    const compared = await update('--build-base');
    assert.equal(await fleet.buildsOf('athena'), before + 2);
    const { athena } = changes(compared);
    assert.deepEqual(athena?.kind === 'compared' && [athena.from, athena.configuration], ['build', 1]);
    const told = await house.lockkeeper(['report', 'latest']);
    assert.match(told.stdout, /What changes on athena\n.*; base was built to compare with it\n/);

    // What does not build on base is said, and fails nothing.
    const flake = await fleet.show('main', 'flake.nix');
    const broken = flake.replace('brokenIn = if (false)', 'brokenIn = if inputs.alpha.lib.version == 5');
    await fleet.pushToMain({ 'flake.nix': broken });
    await fleet.moveInput('alpha');
    const notBuilt = changes(await update('--build-base')).athena;
    assert.match(notBuilt?.kind === 'no-base' ? (notBuilt.buildError ?? '') : '', /failed with exit code 7/);
    const why = await house.lockkeeper(['report', 'latest']);
    assert.match(why.stdout, /building it failed: .*exit code 7; from the derivations: /);
  } finally {
    await house.close();
    await fleet.cleanup();
  }
});
