import { LOCKKEEPER } from '../run/defaults.js';
import { comparisonLockId, repositoryLockId, verificationLockId } from '../run/ids.js';
import { optionsDigest, repositoryKey } from '../run/keys.js';
import type { Comparison, Repository, RunOptions } from '../run/options.js';
import { agentOf } from './options/agent.js';
import { approvalOf } from './options/approval.js';
import { nixOf, waitsOf } from './options/building.js';
import { cachesOf } from './options/caches.js';
import { channelsOfRun } from './options/channels.js';
import { comparisonOf, contentsOf, targetsOf } from './options/contents.js';
import { failureOf } from './options/failure.js';
import { forgeOf, forgeOfStatuses } from './options/forge.js';
import { gatesOf } from './options/gates.js';
import type { Instance } from './options/index.js';
import { landingOf, personsOf, signingOf, timeZoneOf } from './options/landing.js';
import { notificationsOf, siteOf } from './options/notifications.js';

/**
 * What a run of an instance is asked to do. The order of the fields counts: open runs are known by a digest of them.
 * @param more what follows from failures in a row, where they are counted, and what is compared, where a command says that
 */
export const runOptionsOf = (
  instance: Instance,
  repository: Repository,
  more: Pick<RunOptions, 'failureLimit' | 'compares'> = {},
): RunOptions => {
  const { compares, ...limit } = { compares: comparisonOf(instance), ...more };
  if (instance.mode === 'verify') return verification(instance, repository, limit);
  return instance.skipUpdate ? comparison(instance, repository, limit, compares) : update(instance, repository, limit);
};

type OptionsOf<More extends unknown[]> = (
  instance: Instance,
  repository: Repository,
  limit: Pick<RunOptions, 'failureLimit'>,
  ...more: More
) => RunOptions;

const update: OptionsOf<[]> = (instance, repository, limit) => ({
  instance: instance.name,
  repository,
  ...(instance.user === null ? {} : { user: instance.user }),
  ...contentsOf(instance),
  ...landingOf(instance),
  ...forgeOf(instance, repository),
  ...approvalOf(instance),
  ...nixOf(instance),
  ...personsOf(instance),
  ...signingOf(instance),
  ...notificationsOf(instance),
  ...siteOf(instance),
  timeZone: timeZoneOf(instance),
  repositoryWaitSeconds: instance.repositoryWaitSec,
  lockWorkflowId: repositoryLockId(repositoryKey(repository, true)),
  ...(instance.overlap === 'supersede' ? { supersedes: true } : {}),
  ...waitsOf(instance),
  ...failureOf(instance, { land: instance.land, hasAgent: instance.autoFix.enable }),
  ...limit,
  ...agentOf(instance),
  ...gatesOf(instance),
  ...channelsOfRun(instance),
  ...cachesOf(instance),
});

const verification: OptionsOf<[]> = (instance, repository, limit) => ({
  verifies: true,
  ...withoutUpdate(instance, repository, limit),
  ...channelsOfRun(instance),
  ...cachesOf(instance),
  ...forgeOfStatuses(instance, repository),
});

const comparison: OptionsOf<[Comparison]> = (instance, repository, limit, compares) => ({
  compares,
  ...withoutUpdate(instance, repository, limit),
  ...waitsOf({ ...instance, maxBuilds: null }),
  lockWorkflowId: comparisonLockId(repositoryKey(repository, true), optionsDigest(compares)),
});

/** What is said of inputs, landing, approval and repairs does not count. */
const withoutUpdate: OptionsOf<[]> = (instance, repository, limit) => ({
  instance: instance.name,
  repository,
  ...(instance.user === null ? {} : { user: instance.user }),
  ...targetsOf(instance),
  inputs: 'all',
  landing: { mode: 'none', branchPrefix: instance.branchPrefix },
  approval: null,
  ...nixOf(instance),
  author: LOCKKEEPER,
  committer: LOCKKEEPER,
  ...notificationsOf(instance),
  ...siteOf(instance),
  timeZone: timeZoneOf(instance),
  repositoryWaitSeconds: instance.repositoryWaitSec,
  lockWorkflowId: verificationLockId(repositoryKey(repository, true)),
  takeoverSeconds: instance.takeoverSec,
  builderWaitSeconds: instance.builderWaitSec,
  ...limit,
  ...gatesOf(instance),
});
