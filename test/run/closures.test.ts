import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
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
    assert.equal(changes(await update('--keep-closures', '0')).athena?.kind, 'compared');
    const kept = (await readdir(house.state.closures, { recursive: true })).filter(
      (each) => path.dirname(path.dirname(each)) !== '.',
    );
    assert.deepEqual(kept, []);
    for (const each of built) assert.equal((await remove(each)).exitCode, 0);
  } finally {
    await house.close();
    await fleet.cleanup();
  }
});
