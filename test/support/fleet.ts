import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../activities/command/process.js';
import { fleetFlake, inputFlake, sleepOf, type HostSpec } from './fleet-flake.js';
import { commitFiles, git } from './git.js';
import { updateArguments } from './nix-flake-update.js';
import { processesNamed } from './processes.js';
import { atEndOf, type Scope } from './scope.js';

export type { HostSpec } from './fleet-flake.js';

export interface FleetOptions {
  readonly hosts: readonly HostSpec[];
  /** Names of the input repositories; default: `alpha` and `beta`. */
  readonly inputs?: readonly string[];
  /** Inputs that have an input of their own, `below`, which follows another one of the fleet. */
  readonly follows?: Readonly<Record<string, string>>;
  /** Puts `self.rev` into every system, as NixOS does. */
  readonly selfRev?: boolean;
  /** Whether binary caches are asked for what the hosts are made of; default: they are not. */
  readonly substitutes?: boolean;
  /** Folder of the flake in its repository; default: the root. */
  readonly dir?: string;
  /** The checkout has no remote: its own main is the base. */
  readonly local?: boolean;
  readonly nixConfig?: string;
  /** Whether `nix fmt` has something to run. */
  readonly formatter?: boolean;
}

/** A small fleet in a temporary folder: input repositories, a flake with several hosts, a bare remote and a checkout. */
export interface Fleet {
  readonly root: string;
  /** The owner's clone, on `main`. */
  readonly checkout: string;
  /** The bare remote; the checkout itself when the fleet is local. */
  readonly remote: string;
  /** Paths of the input repositories by name. */
  readonly inputs: Readonly<Record<string, string>>;
  /** File with one line, `package HOST` or `system HOST`, for each start of a builder. */
  readonly counter: string;
  /** Commits a new version to an input's repository; gives the new revision. */
  moveInput(name: string): Promise<string>;
  /** Commits files to the remote's main from another clone, as a colleague would; gives the new commit. */
  pushToMain(files: Readonly<Record<string, string>>, message?: string): Promise<string>;
  /** Updates inputs in the lock of the remote's main, as a colleague would; gives the new commit. */
  pushUpdate(inputs: readonly string[]): Promise<string>;
  /** How often the builder of a host's system was started. */
  buildsOf(host: string): Promise<number>;
  /** Pids of what the builder of a host's system waits for: one while it is being built. */
  sleepers(host: string): Promise<readonly number[]>;
  /** Every line of the counter. */
  builds(): Promise<readonly string[]>;
  /** Branches of the remote and the commits that they are at. */
  branches(): Promise<Readonly<Record<string, string>>>;
  /** Content of a file in the remote at a branch or commit. */
  show(commit: string, file: string): Promise<string>;
  cleanup(): Promise<void>;
}

async function createInput(repository: string, below: string | null): Promise<void> {
  await mkdir(repository, { recursive: true });
  await git(repository, 'init', '--quiet', '--initial-branch=main');
  await commitFiles(repository, { 'flake.nix': inputFlake(below), 'version.nix': '1\n' }, 'Version 1');
}

async function nix(directory: string, args: readonly string[]): Promise<void> {
  const result = await run('nix', ['--extra-experimental-features', 'nix-command flakes', ...args], { cwd: directory });
  if (result.exitCode !== 0) throw new Error(`nix ${args.join(' ')}: ${result.stderr}`);
}

/** Makes a fleet that is removed at the end of a scope. */
export async function withFleet(scope: Scope, options: FleetOptions): Promise<Fleet> {
  const fleet = await createFleet(options);
  atEndOf(scope, () => fleet.cleanup());
  return fleet;
}

/** Makes such a fleet whose update is due. @param moved inputs that have a new version; default: all of them */
export async function withMovedFleet(scope: Scope, options: FleetOptions, moved?: readonly string[]): Promise<Fleet> {
  const fleet = await withFleet(scope, options);
  for (const name of moved ?? Object.keys(fleet.inputs)) await fleet.moveInput(name);
  return fleet;
}

/** Makes a fleet whose lock is complete, committed, and pushed. Its derivations were never built before. */
export async function createFleet(options: FleetOptions): Promise<Fleet> {
  const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-fleet-'));
  // Builders may run as another user.
  await chmod(root, 0o755);
  const counter = path.join(root, 'builds');
  await writeFile(counter, '');
  await chmod(counter, 0o666);

  const salt = randomBytes(8).toString('hex');
  const names = options.inputs ?? ['alpha', 'beta'];
  const inputs = Object.fromEntries(names.map((name) => [name, path.join(root, 'inputs', name)]));
  const url = (name: string): string => `git+file://${inputs[name] ?? ''}?ref=main`;
  const follows = options.follows ?? {};
  for (const [name, repository] of Object.entries(inputs)) {
    const below = follows[name];
    await createInput(repository, below === undefined ? null : url(below));
  }

  const checkout = path.join(root, 'fleet');
  const bare = path.join(root, 'remote.git');
  const flakeDirectory = path.join(checkout, options.dir ?? '');
  await mkdir(flakeDirectory, { recursive: true });
  await git(checkout, 'init', '--quiet', '--initial-branch=main');
  await writeFile(
    path.join(flakeDirectory, 'flake.nix'),
    fleetFlake({
      hosts: options.hosts,
      inputs: Object.fromEntries(names.map((name) => [name, url(name)])),
      follows,
      counter,
      salt,
      selfRev: options.selfRev ?? false,
      substitutes: options.substitutes ?? false,
      nixConfig: options.nixConfig ?? '',
      formatter: options.formatter ?? false,
    }),
  );
  await git(checkout, 'add', '--all');
  await nix(flakeDirectory, ['flake', 'lock']);
  await commitFiles(checkout, {}, 'A fleet');

  if (options.local !== true) {
    await git(root, 'clone', '--quiet', '--bare', '--no-hardlinks', checkout, bare);
    await git(checkout, 'remote', 'add', 'origin', bare);
    await git(checkout, 'fetch', '--quiet', 'origin');
    await git(checkout, 'remote', 'set-head', 'origin', 'main');
    await git(checkout, 'branch', '--quiet', '--set-upstream-to=origin/main');
  }
  const remote = options.local === true ? checkout : bare;

  const builds = async (): Promise<readonly string[]> =>
    (await readFile(counter, 'utf8')).split('\n').filter((line) => line !== '');
  return {
    root,
    checkout,
    remote,
    inputs,
    counter,
    builds,
    async moveInput(name) {
      const repository = inputs[name];
      if (repository === undefined) throw new Error(`the fleet has no input ${name}`);
      const version = Number(await readFile(path.join(repository, 'version.nix'), 'utf8')) + 1;
      return commitFiles(repository, { 'version.nix': `${version}\n` }, `Version ${version}`);
    },
    async pushToMain(files, message = 'A change of a colleague') {
      const clone = await mkdtemp(path.join(root, 'colleague-'));
      await git(clone, 'clone', '--quiet', remote, '.');
      const commit = await commitFiles(clone, files, message);
      await git(clone, 'push', '--quiet', 'origin', 'HEAD:main');
      return commit;
    },
    async pushUpdate(updated) {
      const clone = await mkdtemp(path.join(root, 'colleague-'));
      await git(clone, 'clone', '--quiet', remote, '.');
      await nix(path.join(clone, options.dir ?? ''), await updateArguments(updated));
      const commit = await commitFiles(clone, {}, `Update ${updated.join(', ')}`);
      await git(clone, 'push', '--quiet', 'origin', 'HEAD:main');
      return commit;
    },
    async buildsOf(host) {
      return (await builds()).filter((line) => line === `system ${host}`).length;
    },
    async branches() {
      const lines = await git(remote, 'for-each-ref', '--format=%(refname:lstrip=2) %(objectname)', 'refs/heads/');
      const pairs = lines.split('\n').filter((line) => line !== '');
      return Object.fromEntries(pairs.map((line) => line.split(' ') as [string, string]));
    },
    async sleepers(name) {
      const host = options.hosts.find((each) => each.name === name);
      if (host === undefined) throw new Error(`the fleet has no host ${name}`);
      return processesNamed(...sleepOf(host, salt));
    },
    show: (commit, file) => git(remote, 'show', `${commit}:${file}`),
    cleanup: () => rm(root, { recursive: true, force: true }),
  };
}
