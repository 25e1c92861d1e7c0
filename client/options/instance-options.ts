import { BadInput } from '../../model/checks/names.js';
import { transportOf } from '../../model/config/options/credentials.js';
import type { Instance } from '../../model/config/options/index.js';
import { failureLimitOf } from '../../model/config/options/notifications.js';
import { runOptionsOf } from '../../model/config/run-options.js';
import type { Repository, RunOptions } from '../../model/run/options.js';
import { CommandError } from '../errors.js';
import { resolveConfigured } from '../flake/flake.js';
import { parseFlakeReference } from '../flake/reference.js';

/**
 * What a run of a configured instance is asked to do. Only the checkout is looked at, for the address of its remote.
 * Credentials stay file names here: it is the worker who reads them, perhaps as another user or on another machine.
 * @throws CommandError when there is no such repository
 */
export const instanceOptions = async (instance: Instance, find = configuredRepository): Promise<RunOptions> =>
  optionsAt(instance, await find(instance));

/** The same in a repository that was found. @throws CommandError when the options do not fit it */
export function optionsAt(instance: Instance, repository: Repository): RunOptions {
  try {
    return runOptionsOf(instance, repository, failureLimitOf(instance));
  } catch (error) {
    throw error instanceof BadInput ? new CommandError(`instances.${instance.name}.${error.message}`) : error;
  }
}

/** `configuredRepository` that looks only once at the repository of several instances. */
export function repositoryFinder(): typeof configuredRepository {
  const found = new Map<string, Repository>();
  return async (instance) => {
    const { repoPath, repoUrl, flakeDir, gitRemote, mainBranch, sshKeyFile, knownHostsFile, httpsTokenFile } = instance;
    const key = [repoPath, repoUrl, flakeDir, gitRemote, mainBranch, sshKeyFile, knownHostsFile, httpsTokenFile].join(
      '\n',
    );
    const repository = found.get(key) ?? (await configuredRepository(instance));
    found.set(key, repository);
    return repository;
  };
}

function configuredRepository(instance: Instance): Promise<Repository> {
  const { name, repoPath, repoUrl, flakeDir, gitRemote, mainBranch } = instance;
  const reference =
    repoPath === null
      ? parseFlakeReference(repoUrl ?? '')
      : { kind: 'path' as const, path: repoPath, dir: '', ref: null };
  return resolveConfigured(
    { ...reference, dir: flakeDir === '' ? reference.dir : flakeDir },
    { remote: gitRemote, main: mainBranch, transport: transportOf(instance) },
    `instances.${name}`,
  );
}
