import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ActivityEnvironment } from '../../activities/environment.js';
import type { Repository } from '../../model/run/options.js';
import { stateDirectory } from '../../model/machine/state-directory.js';
import { commitFiles, git } from './git.js';

/** What activities know about the machine, with a state directory of its own. */
export const activityEnvironment = (root: string): ActivityEnvironment => ({
  state: stateDirectory(path.join(root, 'state')),
  machine: 'test-machine',
  hostName: 'test',
});

/** The repository of a run whose remote is a folder on this machine. */
export const repositoryAt = (url: string, more: Partial<Repository> = {}): Repository => ({
  url,
  displayUrl: url,
  checkout: null,
  local: false,
  mainBranch: 'main',
  dir: '',
  transport: { sshKeyFile: null, knownHostsFile: null, httpsTokenFile: null },
  ...more,
});

const LOCK = `${JSON.stringify({ nodes: { root: {} }, root: 'root', version: 7 }, null, 2)}\n`;

export interface Place {
  readonly root: string;
  /** The owner's clone, on `main`. */
  readonly checkout: string;
  readonly remote: string;
  readonly env: ActivityEnvironment;
  readonly repository: Repository;
  /** First commit of main. */
  readonly base: string;
}

/** Runs a test beside a bare remote, a checkout, and an empty state directory. Its flake has no inputs and no hosts. */
export async function withPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'lockkeeper-git-'));
  try {
    const checkout = path.join(root, 'checkout');
    const remote = path.join(root, 'remote.git');
    await git(root, 'init', '--quiet', '--initial-branch=main', checkout);
    const files = { 'flake.nix': '{ outputs = _: { }; }\n', 'flake.lock': LOCK };
    const base = await commitFiles(checkout, files, 'First');
    await git(root, 'clone', '--quiet', '--bare', checkout, remote);
    await git(checkout, 'remote', 'add', 'origin', remote);
    await git(checkout, 'fetch', '--quiet', 'origin');
    const repository = repositoryAt(remote, { checkout });
    await work({ root, checkout, remote, env: activityEnvironment(root), repository, base });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
