import { existsSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, relative, resolve } from 'node:path';
import { gitFault } from '../../model/git/words.js';
import { checkBranchName } from '../../model/checks/names.js';
import type { Repository, Transport } from '../../model/run/options.js';
import { redactUrl, shellQuote } from '../../model/text/text.js';
import { CommandError } from '../errors.js';
import { parseFlakeReference, type FlakeReference } from './reference.js';
import { git } from './git.js';
import { remotesOf, remoteUrl } from './remote.js';
import { localMainBranch, remoteMainBranch } from './main-branch.js';

export interface FlakeOptions {
  readonly remote: string | null;
  readonly main: string | null;
  readonly transport: Transport;
}

/** Where a repository was named, for messages. */
interface Words {
  readonly flake: string;
  readonly remote: string;
  /** How to say which folder of a repository is meant. */
  readonly dir: string;
}

interface Search extends FlakeOptions {
  readonly words: Words;
  /** Whether the remote is asked for its branches; otherwise the branch that was named is believed. */
  readonly askRemote: boolean;
}

/** Finds the repository that FLAKE means, by reading alone. Everything that is wrong with it is one `CommandError`. */
export async function resolveFlake(flake: string, options: FlakeOptions): Promise<Repository> {
  if (options.main !== null) checkBranchName(options.main, '--main');
  const reference = parseFlakeReference(flake);
  const words = { flake: 'FLAKE', remote: '--remote', dir: 'add "?dir=FOLDER" to FLAKE' };
  return find(reference, { ...options, words, askRemote: true });
}

/**
 * Finds the repository of a configured instance. No remote is asked, so that a configuration can be used while the network
 * is down; a branch that does not exist is what the run then fails with.
 * @param where of the instance in the configuration, such as `instances.daily`
 */
export async function resolveConfigured(
  reference: FlakeReference,
  options: FlakeOptions & { readonly main: string },
  where: string,
): Promise<Repository> {
  const words = { flake: `${where}.repoPath`, remote: `${where}.gitRemote`, dir: 'give flakeDir' };
  return find(reference, { ...options, words, askRemote: false });
}

function find(reference: FlakeReference, search: Search): Promise<Repository> {
  const wanted = search.main ?? (reference.ref === null ? null : checkBranchName(reference.ref, 'ref'));
  return reference.kind === 'path'
    ? fromPath(reference, search, wanted)
    : fromUrl(reference.url, reference.dir, search, wanted);
}

async function fromUrl(url: string, dir: string, search: Search, wanted: string | null): Promise<Repository> {
  const { remote, transport, words } = search;
  if (remote !== null) {
    throw new CommandError(
      `${words.remote} names a remote of a checkout, but ${words.flake} is a URL already: leave one of them out.`,
    );
  }
  const mainBranch = await branchOf(search, { url, checkout: null, wanted });
  return { url, displayUrl: redactUrl(url), checkout: null, local: false, mainBranch, dir, transport };
}

async function branchOf(
  { transport, askRemote }: Search,
  at: { readonly url: string; readonly checkout: string | null; readonly wanted: string | null },
): Promise<string> {
  return !askRemote && at.wanted !== null ? at.wanted : remoteMainBranch({ ...at, transport });
}

type PathReference = Extract<FlakeReference, { kind: 'path' }>;

async function fromPath(reference: PathReference, search: Search, wanted: string | null): Promise<Repository> {
  const { words, transport } = search;
  const folder = await existingFolder(reference.path, words);
  const [top, remotes] = await Promise.all([git(['rev-parse', '--show-toplevel'], { cwd: folder }), remotesOf(folder)]);
  if (!top.ok) {
    const bare = await git(['rev-parse', '--is-bare-repository', '--absolute-git-dir'], { cwd: folder });
    const [isBare, gitDir] = bare.stdout.split('\n');
    if (bare.ok && isBare === 'true' && gitDir !== undefined) {
      return fromUrl(gitDir, reference.dir, search, wanted);
    }
    throw notARepository(folder, top.said, words);
  }
  const checkout = await realpath(top.stdout.trim());
  const dir = await flakeFolder(folder, checkout, reference.dir, words);
  const url = await remoteUrl(checkout, remotes, { wanted: search.remote, option: words.remote });
  if (url === null) {
    const mainBranch = await localMainBranch(checkout, wanted);
    return { url: checkout, displayUrl: checkout, checkout, local: true, mainBranch, dir, transport };
  }
  const mainBranch = await branchOf(search, { url, checkout, wanted });
  return { url, displayUrl: redactUrl(url), checkout, local: false, mainBranch, dir, transport };
}

async function existingFolder(path: string, words: Words): Promise<string> {
  const folder = resolve(path.replace(/^~(?=\/|$)/, homedir()));
  const found = await stat(folder).catch(() => null);
  if (found === null) throw new CommandError(`${words.flake} ${folder} does not exist.`);
  if (!found.isDirectory()) {
    throw new CommandError(`${words.flake} ${folder} is a file: name the folder that holds flake.nix.`);
  }
  return realpath(folder);
}

function notARepository(folder: string, said: string, words: Words): CommandError {
  if (gitFault(said) === 'other-owner') {
    return new CommandError(
      `The Git repository ${folder} belongs to another user, and Git refuses it. ` +
        `Run Lockkeeper as its owner, or allow it with: git config --global --add safe.directory ${shellQuote(folder)}`,
    );
  }
  return new CommandError(
    `${folder} is not in a Git repository. Lockkeeper works on commits: run "git init" and commit the flake, or name another ${words.flake}.`,
  );
}

/** Folder of `flake.nix` below the top of the checkout. As Nix does, a path without one means the nearest above it. */
async function flakeFolder(folder: string, checkout: string, dir: string, words: Words): Promise<string> {
  const inside = relative(checkout, folder);
  if (dir !== '') {
    const named = [inside, dir].filter((part) => part !== '').join('/');
    if (existsSync(resolve(checkout, named, 'flake.nix'))) return named;
    throw new CommandError(`There is no flake.nix in ${resolve(checkout, named)}.`);
  }
  for (let at = folder; at.startsWith(checkout); at = dirname(at)) {
    if (existsSync(resolve(at, 'flake.nix'))) return relative(checkout, at);
  }
  // It may be committed, but not in what is checked out now.
  const committed = await git(['cat-file', '-e', `HEAD:${inside === '' ? '' : `${inside}/`}flake.nix`], {
    cwd: checkout,
  });
  if (committed.ok) return inside;
  throw new CommandError(
    `There is no flake.nix in ${folder}, nor above it in the repository. Name its folder, or ${words.dir}.`,
  );
}
