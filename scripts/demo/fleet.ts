import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { simpleGit } from 'simple-git';
import { baseSystemFlake, fleetFlake, packageFlake, UPSTREAM, type InputName } from './flakes.js';

export interface DemoFleet {
  /** Temporary folder that holds all of it. */
  readonly root: string;
  /** The owner's clone of the fleet. */
  readonly checkout: string;
  /** Bare repository that the checkout pushes to. */
  readonly remote: string;
  /** Lockkeeper's state for this demo alone. */
  readonly stateDir: string;
}

const INPUTS = Object.keys(UPSTREAM) as InputName[];

/** A person who exists on no machine, so that Git needs no configuration. */
const AUTHOR = {
  GIT_AUTHOR_NAME: 'Demo',
  GIT_AUTHOR_EMAIL: 'demo@localhost',
  GIT_COMMITTER_NAME: 'Demo',
  GIT_COMMITTER_EMAIL: 'demo@localhost',
};

/** The state that the fleet is in when the demo starts is this old. */
const AGE_MS = 14 * 24 * 3600 * 1000;

/** Runs Git in a folder and gives its output. Throws with Git's message when it fails. */
export const git = (folder: string, ...args: readonly string[]): Promise<string> => gitAt(new Date(), folder, ...args);

async function gitAt(date: Date, folder: string, ...args: readonly string[]): Promise<string> {
  const { PATH = '', HOME = '' } = process.env;
  const dates = { GIT_AUTHOR_DATE: date.toISOString(), GIT_COMMITTER_DATE: date.toISOString() };
  const env = { PATH, HOME, ...AUTHOR, ...dates };
  const git = simpleGit({
    baseDir: folder,
    config: ['commit.gpgSign=false', 'core.hooksPath=/dev/null'],
    allowEnvironment: Object.keys(env),
    unsafe: { allowUnsafeHooksPath: true },
  });
  return (await git.env(env).raw([...args])).trimEnd();
}

/** Makes the input repositories, the fleet with a complete lock, and the bare remote. */
export async function createDemoFleet(): Promise<DemoFleet> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'lockkeeper-demo-'));
  // A Nix daemon reads the inputs as another user.
  await chmod(root, 0o755);
  const past = new Date(Date.now() - AGE_MS);
  for (const name of INPUTS) {
    await mkdir(inputPath(root, name), { recursive: true });
    await git(inputPath(root, name), 'init', '--quiet', '--initial-branch=main');
    await release(root, name, UPSTREAM[name].before, past);
  }

  const checkout = path.join(root, 'fleet');
  const remote = path.join(root, 'fleet.git');
  await mkdir(checkout);
  await git(checkout, 'init', '--quiet', '--initial-branch=main');
  const urls = Object.fromEntries(INPUTS.map((name) => [name, `git+file://${inputPath(root, name)}?ref=main`]));
  const flake = fleetFlake({
    urls: urls as Record<InputName, string>,
    system: nixSystem(),
    salt: randomBytes(3).toString('hex'),
  });
  await writeFile(path.join(checkout, 'flake.nix'), flake);
  await git(checkout, 'add', 'flake.nix');
  await execa('nix', ['--extra-experimental-features', 'nix-command flakes', 'flake', 'lock'], { cwd: checkout });
  await git(checkout, 'add', 'flake.lock');
  await gitAt(past, checkout, 'commit', '--quiet', '-m', 'feat: a fleet of four hosts');
  await git(root, 'clone', '--quiet', '--bare', checkout, remote);
  await git(checkout, 'remote', 'add', 'origin', remote);
  await git(checkout, 'fetch', '--quiet', 'origin');
  await git(checkout, 'branch', '--quiet', '--set-upstream-to=origin/main');
  return { root, checkout, remote, stateDir: path.join(root, 'state') };
}

/** Releases the next version of each input that has one; gives what moved, for people. */
export async function moveUpstream(fleet: DemoFleet): Promise<readonly string[]> {
  const moving = INPUTS.filter((name) => UPSTREAM[name].before !== UPSTREAM[name].after);
  for (const name of moving) await release(fleet.root, name, UPSTREAM[name].after, new Date());
  return moving.map((name) => `${name} ${UPSTREAM[name].before} → ${UPSTREAM[name].after}`);
}

const inputPath = (root: string, name: InputName): string => path.join(root, 'inputs', name);

async function release(root: string, name: InputName, version: string, date: Date): Promise<void> {
  const repository = inputPath(root, name);
  const flake = name === 'base-system' ? baseSystemFlake(version) : packageFlake(name, version);
  await writeFile(path.join(repository, 'flake.nix'), flake);
  await git(repository, 'add', 'flake.nix');
  await gitAt(date, repository, 'commit', '--quiet', '-m', `${name} ${version}`);
}

/** Nix's name for this machine: `x86_64-linux`, `aarch64-linux`, … */
function nixSystem(): string {
  const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };
  return `${architectures[process.arch] ?? process.arch}-${process.platform}`;
}
