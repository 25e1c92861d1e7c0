import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { openRemoteGit } from '../../activities/git/transport.js';
import { fetchMirror } from '../../activities/git/mirror.js';
import { push } from '../../activities/git/push.js';
import { resolveFlake } from '../../client/flake/flake.js';
import type { Transport } from '../../model/run/options.js';
import { commitFiles, git } from '../support/git.js';
import { repositoryAt, withPlace } from '../support/repository.js';
import { sshdMissing, startSshd } from '../support/sshd.js';

test(
  'a remote behind OpenSSH is read and pushed to with the named files, and refusals are told',
  { skip: sshdMissing },
  () =>
    withPlace(async ({ root, env, checkout, remote, base }) => {
      await using server = await startSshd(path.join(root, 'ssh server'));
      const transport = (sshKeyFile: string, knownHostsFile: string): Transport => ({
        sshKeyFile,
        knownHostsFile,
        httpsTokenFile: null,
      });
      const good = transport(server.key, server.knownHosts);
      const url = `${server.url}${remote}`;
      await git(checkout, 'remote', 'set-url', 'origin', url);
      const asked = (given: Transport): Promise<unknown> =>
        resolveFlake(checkout, { remote: null, main: null, transport: given });
      await asked(good);
      await assert.rejects(
        asked(transport(server.strangeKey, server.knownHosts)),
        /cannot be reached: .*Permission denied \(publickey\)\. Check .*--ssh-key-file/,
      );
      await assert.rejects(
        asked(transport(server.key, server.changedHosts)),
        /The host key of ssh:\/\/127\S+ is not known or has changed\..*--known-hosts-file\. Git said: Host key for \[127\.0\.0\.1\]/,
      );

      const repository = repositoryAt(url, { transport: good });
      const mirror = await fetchMirror(env, repository);
      assert.equal(await git(mirror, 'rev-parse', 'refs/heads/main'), base);
      const commit = await commitFiles(checkout, { 'more.nix': '{ }\n' }, 'Second');
      const pushed = await push(await openRemoteGit(checkout, repository), repository, {
        branch: 'update',
        commit,
        replaces: null,
      });
      assert.equal(pushed, 'pushed');
      assert.equal(await git(remote, 'rev-parse', 'update'), commit);
    }),
);
