import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Report } from '../../model/report/data.js';
import { runPage } from '../../model/report/page.js';
import { withFleet } from '../support/fleet.js';
import { withHouse } from '../support/lockkeeper.js';
import { nameOnForge, withStandInForge } from '../support/stand-in-forge.js';

const SITE = 'https://fleet.example.org';

test('statuses of a commit of main lead to the report of the run that verifies it', async (t) => {
  const house = await withHouse(t);
  const fleet = await withFleet(t, { hosts: [{ name: 'athena' }] });
  const repository = nameOnForge(fleet.remote);
  const forge = await withStandInForge(t, repository);
  const [tokenFile, file] = [join(house.root, 'forge-token'), join(house.root, 'lockkeeper.toml')];
  await writeFile(tokenFile, forge.token, { mode: 0o600 });
  await writeFile(
    file,
    `[instances.main]\nrepoPath = "${fleet.checkout}"\nmode = "verify"\nstatuses = true\n` +
      `siteDir = "${join(house.root, 'site')}"\nsiteUrl = "${SITE}"\n` +
      `forge = { kind = "gitea", url = "${forge.url}", tokenFile = "${tokenFile}" }\n`,
  );
  const { run, head } = await house.json<Report>(['run', 'main', '--watch', '--config', file]);
  const page = `${SITE}/${runPage(run)}`;
  assert.deepEqual(
    forge.state().statuses.map(({ sha, context, state, target_url: at }) => [sha, context, state, at]),
    ['pending', 'success'].flatMap((state) =>
      ['lockkeeper', 'lockkeeper/athena'].map((context) => [head, context, state, page]),
    ),
  );
});
