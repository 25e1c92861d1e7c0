import type { Comparison, Repository } from '../../model/run/options.js';
import { CommandError } from '../errors.js';
import { resolveFlake, type FlakeOptions } from './flake.js';
import { git } from './git.js';
import { localMainBranch, remoteMainBranch } from './main-branch.js';
import { parseFlakeReference } from './reference.js';

/**
 * Finds the repository that FLAKE means, and what is compared with what: the branch that FLAKE names, or what its checkout has
 * checked out now, with the main branch.
 * @param against what to compare with instead
 * @throws CommandError
 */
export async function resolveComparison(
  flake: string,
  search: FlakeOptions,
  against: string | null,
): Promise<{ readonly repository: Repository; readonly compares: Required<Comparison> }> {
  const isNamed = parseFlakeReference(flake).ref !== null;
  const repository = await resolveFlake(flake, isNamed ? { ...search, main: null } : search);
  const { checkout, mainBranch } = repository;
  if (checkout !== null && !isNamed)
    return { repository, compares: { revision: await checkedOut(checkout), against: against ?? mainBranch } };
  const compares = { revision: mainBranch, against: against ?? (await usualBranch(repository, search.main)) };
  if (compares.revision !== compares.against) return { repository, compares };
  throw new CommandError(
    `--skip-update would compare ${mainBranch} with itself: name another branch with "?ref=BRANCH" in FLAKE, or what to compare with by --against.`,
  );
}

async function checkedOut(checkout: string): Promise<string> {
  const head = await git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { cwd: checkout });
  if (head.ok) return head.stdout;
  throw new CommandError(`${checkout} has no commits yet: commit the flake first.`);
}

const usualBranch = ({ local, url, checkout, transport }: Repository, wanted: string | null): Promise<string> =>
  local ? localMainBranch(url, wanted) : remoteMainBranch({ url, checkout, transport, wanted });
