import assert from 'node:assert/strict';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { withFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { openHouse } from '../support/lockkeeper.js';

/** Folders and files below a folder as `PATH MODE`, without what is within the repositories that Git keeps there. */
async function modesBelow(root: string, folder = ''): Promise<readonly (readonly [string, string])[]> {
  const found: (readonly [string, string])[] = [];
  for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isSymbolicLink()) continue;
    // What has ended meanwhile is gone.
    const about = await lstat(path.join(root, name)).catch(() => null);
    if (about !== null) found.push([name, (about.mode & 0o7777).toString(8)]);
    if (entry.isDirectory() && !entry.name.endsWith('.git')) found.push(...(await modesBelow(root, name)));
  }
  return found;
}

for (const umask of ['000', '077']) {
  test(`with the umask ${umask} the state directory is for its account alone, and what lands has Git’s own modes`, async (t) => {
    const house = await openHouse({ startedBy: ['sh', '-c', `umask ${umask} && exec "$0" "$@"`] });
    const fleet = await withFleet(t, {
      hosts: [{ name: 'athena' }, { name: 'rhea', fail: 'build-after-move' }],
    });
    try {
      await fleet.moveInput('alpha');
      await fleet.moveInput('beta');
      const update = house.start(['update', fleet.checkout, '--land', 'merge', '--gate', 'looks=true']);
      await update.ended;
      const modes = await modesBelow(house.state.root);
      for (const place of ['builds', 'evaluations', 'mirrors', 'reports', 'server', 'times', 'work'])
        assert.ok(
          modes.some(([name]) => name === place),
          `${place}: ${JSON.stringify(modes)}`,
        );
      const others = modes.filter(([, mode]) => mode !== '600' && mode !== '700');
      assert.deepEqual(others, [], update.output());
      assert.equal(((await lstat(house.state.root)).mode & 0o7777).toString(8), '700');
      const landed = await git(fleet.remote, 'ls-tree', '-r', 'main');
      assert.match(landed, /^100644 blob \w+\tflake\.lock$/m);
      assert.doesNotMatch(landed, /^(?!100644 |100755 )/m);
    } finally {
      await house.close();
    }
  });
}
