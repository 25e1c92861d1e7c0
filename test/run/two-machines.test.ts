import assert from 'node:assert/strict';
import { access, chmod, chown, copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { run } from '../../activities/command/process.js';
import { createFleet } from '../support/fleet.js';
import { git } from '../support/git.js';
import { serveGit } from '../support/git-http.js';
import { openHouse, until, withHouse } from '../support/lockkeeper.js';
import { asUser, NOBODY, noPrivateDaemon } from '../support/private-nix.js';

/** Another user, with a store of its own in the place of /nix, and a token of its own in the place of ours. */
const AS_ANOTHER_MACHINE = `
store=$1 token=$2 place=$3
shift 3
mount --bind "$store" /nix && mount --bind "$token" "$place" && exec setpriv "$@"
`;

test(
  'a builder of another user, with a store of its own and a token that may only read, builds what the coordinator pushes',
  { skip: await noPrivateDaemon() },
  async (t) => {
    const fleet = await createFleet({
      inputs: ['alpha', 'beta'],
      hosts: [{ name: 'athena' }, { name: 'kyushu', brokenBy: [['beta']] }, { name: 'rhea', fail: 'build' }],
    });
    const server = await serveGit(fleet.root, 'reader', 'writer');
    const coordinator = await openHouse();
    const token = path.join(fleet.root, 'token');
    const away = path.join(fleet.root, 'away');
    const [store, home, readToken] = [path.join(away, 'nix'), path.join(away, 'home'), path.join(away, 'token')];
    for (const folder of [home, ...['store', 'var/nix', 'var/log/nix'].map((each) => path.join(store, each))])
      await mkdir(folder, { recursive: true });
    await writeFile(token, 'writer', { mode: 0o600 });
    await writeFile(readToken, 'reader', { mode: 0o600 });
    // The inputs are another user's repositories to it.
    await writeFile(path.join(home, '.gitconfig'), '[safe]\n\tdirectory = *\n');
    await run('chown', ['-R', `${NOBODY}:${NOBODY}`, '--', away]);
    const machine = ['unshare', '-m', '--propagation', 'private', 'sh', '-c', AS_ANOTHER_MACHINE, 'sh'];
    const builder = await withHouse(t, { startedBy: [...machine, store, readToken, token, ...asUser(NOBODY)] });
    await chown(builder.root, NOBODY, NOBODY);
    await chmod(builder.root, 0o755);
    try {
      await git(fleet.remote, 'config', 'http.receivepack', 'true');
      await git(fleet.checkout, 'remote', 'set-url', 'origin', `${server.url}/remote.git`);
      for (const input of ['alpha', 'beta']) await fleet.moveInput(input);
      await coordinator.dev('--roles', 'coordinator');
      const key = path.join(home, 'run-key');
      await copyFile(coordinator.state.runKey, key);
      await chown(key, NOBODY, NOBODY);
      const worker = builder.start(['worker', '--roles', 'builder'], {
        env: {
          TEMPORAL_ADDRESS: (await coordinator.server()).address,
          LOCKKEEPER_RUN_KEY_FILE: key,
          HOME: home,
          TMPDIR: home,
          XDG_CACHE_HOME: path.join(home, 'cache'),
          GIT_CONFIG_GLOBAL: path.join(home, '.gitconfig'),
          NIX_CONFIG: 'sandbox = false\nbuild-users-group =\nsubstituters =\nflake-registry =',
        },
      });
      await until(() => worker.output().includes('the worker is ready'), 60_000, worker.output);
      const { report, exitCode } = await coordinator.update(
        fleet.checkout,
        ...['--require', 'athena', '--require', 'kyushu', '--https-token-file', token],
      );
      assert.equal(exitCode, 0, worker.output());
      const { machine: name } = await builder.worker();
      assert.deepEqual(
        report.targets.map((target) => [target.name, target.verdict, target.machine]),
        [
          ['athena', 'built', name],
          ['kyushu', 'built', name],
          ['rhea', 'build-failed', name],
        ],
      );
      // Neither what the input broke nor the broken host was built here: the logs come from the builder.
      for (const [host, words] of [
        ['kyushu', /option boot\.loader of kyushu is gone/],
        ['rhea', /option boot\.loader of rhea is gone/],
      ] as const) {
        const logs = await coordinator.lockkeeper(['logs', report.run, host]);
        assert.equal(logs.exitCode, 0, logs.stderr);
        assert.match(logs.stdout, words);
      }
      assert.deepEqual(
        report.heldBack.map(({ input }) => input),
        ['beta'],
      );
      assert.equal((await fleet.branches())[report.landed?.ref ?? ''], report.head);
      const output = path.basename(report.targets[0]?.outPath ?? '');
      await access(path.join(store, 'store', output));
      await assert.rejects(access(path.join('/nix/store', output)), 'the coordinator has it not');
      // Each of them came with its own.
      assert.deepEqual([...new Set(server.credentials)].sort(), ['x-access-token:reader', 'x-access-token:writer']);
    } finally {
      await coordinator.close();
      await server.close();
      // A store's folders are read-only.
      await run('chmod', ['-R', 'u+w', '--', store]);
      await fleet.cleanup();
    }
  },
);
