import { LOCKKEEPER } from '../run/defaults.js';
import { repositoryLockId, verificationLockId } from '../run/ids.js';
import { repositoryKey } from '../run/keys.js';
import type { Repository, RunOptions } from '../run/options.js';
import { agentOf } from './options/agent.js';
import { approvalOf } from './options/approval.js';
import { nixOf, waitsOf } from './options/building.js';
import { cachesOf } from './options/caches.js';
import { channelsOfRun } from './options/channels.js';
import { contentsOf, targetsOf } from './options/contents.js';
import { failureOf } from './options/failure.js';
import { forgeOf } from './options/forge.js';
import { gatesOf } from './options/gates.js';
import type { Instance } from './options/index.js';
import { landingOf, personsOf, signingOf, timeZoneOf } from './options/landing.js';
import { notificationsOf, siteOf } from './options/notifications.js';

/**
 * What a run of an instance is asked to do. The order of the fields counts: open runs are known by a digest of them.
 * @param limit what follows from failures in a row, where they are counted
 */
export const runOptionsOf = (
  instance: Instance,
  repository: Repository,
  limit: Pick<RunOptions, 'failureLimit'> = {},
): RunOptions =>
  instance.mode === 'verify' ? verification(instance, repository, limit) : update(instance, repository, limit);

const update: typeof runOptionsOf = (instance, repository, limit) => ({
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

/** What is said of inputs, landing, approval and repairs does not count. */
const verification: typeof runOptionsOf = (instance, repository, limit) => ({
  verifies: true,
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
  ...channelsOfRun(instance),
  ...cachesOf(instance),
});
