import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run, type Finished } from '../../activities/command/process.js';
import { withEndlessRemote } from '../support/endless-remote.js';
import { commitFiles, git } from '../support/git.js';
import { ntfyMissing, withNtfy } from '../support/ntfy.js';
import { wholeFile, withFolder } from '../support/scope.js';

/**
 * The host's side with real Nix and Git. What cannot run here stands in on the PATH: `nixos-rebuild` notes its arguments
 * and moves the profile, `shutdown` notes that it was called.
 */
const FOLDER = fileURLToPath(new URL('../../../nix/follow/', import.meta.url));

const missing = async (program: string): Promise<string | false> =>
  (await run(program, ['--version'])).exitCode === 0 ? false : `no ${program} on the PATH`;
const skip = await missing('jq');

const CHANNEL = 'nixos-tested-web';
const root = await withFolder(wholeFile);
const remote = path.join(root, 'remote.git');
const colleague = path.join(root, 'colleague');

const flake = (version: number): string => `{
  outputs = { self }: {
    nixosConfigurations.web.config.system.build.toplevel = derivation {
      name = "nixos-system-web-${version}";
      system = "x86_64-linux";
      builder = "/bin/sh";
      args = [ "-c" "echo ${path.basename(root)} > $out" ];
      allowSubstitutes = false;
    };
  };
}
`;

const NIXOS_REBUILD = `#!/bin/sh
echo "nixos-rebuild $*" >>"$CALLS"
[ ! -e "$BROKEN" ] || { echo 'activation failed' >&2; exit 4; }
ln -sfn "$NEW_SYSTEM" "$FOLLOW_PROFILE"
`;
const SHUTDOWN = `#!/bin/sh
echo "shutdown $1 $2" >>"$CALLS"
`;

await mkdir(path.join(root, 'bin'));
for (const [name, text] of [
  ['nixos-rebuild', NIXOS_REBUILD],
  ['shutdown', SHUTDOWN],
] as const) {
  await writeFile(path.join(root, 'bin', name), text);
  await chmod(path.join(root, 'bin', name), 0o755);
}
for (const kernel of ['old', 'new']) {
  await mkdir(path.join(root, kernel));
  for (const part of ['initrd', 'kernel', 'kernel-modules'])
    await symlink(`/nix/store/${kernel}-${part}`, path.join(root, kernel, part));
}
await git(root, 'init', '--quiet', '--bare', '--initial-branch=main', remote);
await git(root, 'clone', '--quiet', remote, colleague);

/** Moves the channel to a new commit, and gives it. */
async function moveChannel(version: number): Promise<string> {
  const commit = await commitFiles(colleague, { 'flake.nix': flake(version) }, `Version ${version}`);
  await git(colleague, 'push', '--quiet', '--force', 'origin', `HEAD:${CHANNEL}`);
  return commit;
}

interface Host {
  follow(env?: Readonly<Record<string, string>>): Promise<Finished>;
  calls(): Promise<readonly string[]>;
}

/** A host that has never followed anything. */
async function host(name: string): Promise<Host> {
  const own = (file: string): string => path.join(root, `${name}-${file}`);
  await mkdir(own('state'));
  await symlink(path.join(root, 'old'), own('profile'));
  return {
    follow: (env = {}) =>
      run('bash', [path.join(FOLDER, 'follow.sh')], {
        timeoutMs: 120_000,
        env: {
          ...process.env,
          PATH: `${path.join(root, 'bin')}:${process.env.PATH ?? ''}`,
          FOLLOW_FLAKE: `git+file://${remote}?ref=${CHANNEL}`,
          FOLLOW_HOST: 'web',
          FOLLOW_OPERATION: 'switch',
          FOLLOW_PROFILE: own('profile'),
          FOLLOW_BOOTED: path.join(root, 'old'),
          STATE_DIRECTORY: own('state'),
          CALLS: own('calls'),
          BROKEN: own('broken'),
          NEW_SYSTEM: path.join(root, 'old'),
          ...env,
        },
      }),
    calls: async () => (await readFile(own('calls'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== ''),
  };
}

const options = { skip, timeout: 240_000 };

test('a host applies the commit that its channel names once, and stays there', options, async () => {
  const commit = await moveChannel(1);
  const web = await host('once');
  const first = await web.follow();
  assert.equal(first.exitCode, 0, first.stderr);
  assert.equal((await web.follow()).exitCode, 0);
  assert.deepEqual(await web.calls(), [
    `nixos-rebuild switch --flake git+file://${remote}?ref=${CHANNEL}&rev=${commit}#web --refresh --no-update-lock-file`,
  ]);
});

test('a host goes forwards, and refuses a channel that went back or to another line of history', options, async () => {
  const older = await moveChannel(2);
  const web = await host('forwards');
  await web.follow();
  const newer = await moveChannel(3);
  assert.equal((await web.follow()).exitCode, 0);

  await git(colleague, 'push', '--quiet', '--force', 'origin', `${older}:${CHANNEL}`);
  const back = await web.follow();
  assert.equal(back.exitCode, 1);
  assert.match(back.stderr, new RegExp(`is at ${older}, which does not come after ${newer}.*remove .*applied\\.json`));
  assert.equal((await web.calls()).length, 2, 'nothing was applied');
});

test('an upgrade that fails is a failure, remembers nothing, and is tried again', options, async () => {
  await moveChannel(4);
  const web = await host('failing');
  const broken = path.join(root, 'failing-broken');
  await writeFile(broken, '');
  assert.notEqual((await web.follow()).exitCode, 0);
  await rm(broken);
  assert.equal((await web.follow()).exitCode, 0);
  assert.equal((await web.calls()).length, 2);
});

test('with requireCache a host applies nothing that no cache holds, and builds nothing', options, async () => {
  await moveChannel(5);
  const web = await host('cache');
  const refused = await web.follow({ FOLLOW_REQUIRE_CACHE: '1', NIX_CONFIG: 'substituters =' });
  assert.equal(refused.exitCode, 1);
  assert.match(
    refused.stderr,
    /nixos-system-web-5 is not in the binary caches of this host, and it builds nothing itself/,
  );
  assert.deepEqual(await web.calls(), []);

  // The same as a cache's content: the output is valid in the store.
  const output = `git+file://${remote}?ref=${CHANNEL}#nixosConfigurations.web.config.system.build.toplevel`;
  const built = await run('nix', ['--extra-experimental-features', 'nix-command flakes', 'build', '--no-link', output]);
  assert.equal(built.exitCode, 0, built.stderr);
  const applied = await web.follow({ FOLLOW_REQUIRE_CACHE: '1', NIX_CONFIG: 'substituters =' });
  assert.equal(applied.exitCode, 0, applied.stderr);
  assert.match((await web.calls()).join('\n'), /--no-update-lock-file --max-jobs 0 --builders/);
});

test(
  'a host reboots for another kernel inside its window, and makes up for it when it was outside',
  options,
  async () => {
    await moveChannel(6);
    const web = await host('reboot');
    const hour = (shift: number): string => `${String((new Date().getHours() + shift + 24) % 24).padStart(2, '0')}:00`;
    const env = { FOLLOW_ALLOW_REBOOT: '1', NEW_SYSTEM: path.join(root, 'new') };
    const outside = await web.follow({ ...env, FOLLOW_WINDOW: `${hour(3)}-${hour(5)}` });
    assert.match(outside.stderr, /has to reboot, which it may between/);
    assert.equal((await web.calls()).length, 1);
    assert.match((await web.calls())[0] ?? '', /^nixos-rebuild boot /);
    await web.follow({ ...env, FOLLOW_WINDOW: `${hour(-2)}-${hour(2)}` });
    assert.equal((await web.calls())[1], 'shutdown -r +1');
  },
);

test(
  'a repository that never ends its answer is given up after a time, and the host stays as it is',
  options,
  async () => {
    const web = await host('silent');
    const { exitCode, stderr } = await withEndlessRemote('drip', ({ url }) =>
      web.follow({ FOLLOW_FLAKE: `${url}?ref=main`, FOLLOW_SECONDS: '3' }),
    );
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, /^looking at git:.* did not end within 3 seconds: this host stays as it is$/m);
    assert.deepEqual(await web.calls(), []);
  },
);

test('a repository that sends without end fills no disk, and is given up', options, async () => {
  const web = await host('flooded');
  const { exitCode, stderr } = await withEndlessRemote('pack', ({ url }) =>
    web.follow({ FOLLOW_FLAKE: `${url}?ref=main`, FOLLOW_FILE_KIB: '1024' }),
  );
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /File too large/);
  assert.deepEqual(await web.calls(), []);
});

test(
  'a failure is told to ntfy, with the token and what the journal says last',
  { skip: skip === false ? ntfyMissing : skip },
  async (t) => {
    const ntfy = await withNtfy(t);
    const token = path.join(root, 'ntfy-token');
    await writeFile(token, ntfy.writeOnlyToken);
    // No journal of systemd's is here.
    const journal = path.join(root, 'bin', 'journalctl');
    await writeFile(journal, '#!/bin/sh\necho "of $4: it does not go back in time"\n');
    await chmod(journal, 0o755);
    const told = await run('bash', [path.join(FOLDER, 'notify-failure.sh')], {
      env: {
        ...process.env,
        PATH: `${path.join(root, 'bin')}:${process.env.PATH ?? ''}`,
        FOLLOW_HOST: 'web',
        FOLLOW_NTFY_SERVER: ntfy.url,
        FOLLOW_NTFY_TOPIC: 'hosts',
        FOLLOW_NTFY_TOKEN_FILE: token,
        MONITOR_UNIT: 'lockkeeper-follow.service',
        MONITOR_INVOCATION_ID: 'c0ffee',
      },
    });
    assert.equal(told.exitCode, 0, told.stderr);
    const [message] = await ntfy.messages('hosts');
    assert.deepEqual(
      [message?.title, message?.message, message?.priority],
      [
        '❌ web could not be upgraded',
        'of _SYSTEMD_INVOCATION_ID=c0ffee: it does not go back in time\n\njournalctl --unit=lockkeeper-follow.service',
        4,
      ],
    );
  },
);

test('the token of a host goes to the server of its flake alone, whatever else Git fetches for it', async () => {
  const token = path.join(root, 'https-token');
  await writeFile(token, 'a-token\n');
  const env = {
    ...{ PATH: process.env.PATH, HOME: root, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1' },
    ...{ GIT_ASKPASS: path.join(FOLDER, 'askpass.sh'), FOLLOW_HTTPS_TOKEN_FILE: token },
    FOLLOW_FLAKE: 'git+https://Git.example.org:8443/me/fleet?ref=production',
  };
  const asked = async (host: string, username: string | null, useHttpPath = false): Promise<string> => {
    const lines = ['protocol=https', `host=${host}`, 'path=x', ...(username === null ? [] : [`username=${username}`])];
    const finished = await run('git', ['-c', `credential.useHttpPath=${useHttpPath}`, 'credential', 'fill'], {
      ...{ input: `${lines.join('\n')}\n\n`, env, cwd: root },
    });
    return finished.stdout;
  };
  for (const username of [null, 'me', 'me@work'])
    assert.match(await asked('git.example.org:8443', username), /^password=a-token$/m);
  assert.match(await asked('git.example.org:8443', null, true), /^password=a-token$/m);
  for (const [host, username] of [
    ['evil.example', null],
    ['git.example.org', null],
    ['evil.example', 'git.example.org:8443'],
    ['evil.example', 'git.example.org:8443/x'],
    ['evil.example', "git.example.org:8443': "],
    ['git.example.org:8443.evil.example', null],
  ] as const)
    for (const useHttpPath of [false, true])
      assert.doesNotMatch(await asked(host, username, useHttpPath), /a-token/, `${host} ${username ?? ''}`);
});

test('shellcheck finds nothing in the scripts of the host', { skip: await missing('shellcheck') }, async () => {
  const files = ['follow.sh', 'askpass.sh', 'notify-failure.sh'].map((name) => path.join(FOLDER, name));
  const checked = await run('shellcheck', files);
  assert.equal(checked.exitCode, 0, checked.stdout);
});
