import { repositoryLockId } from '../run/ids.js';
import { repositoryKey } from '../run/keys.js';
import type { Repository, RunOptions } from '../run/options.js';
import { agentOf } from './options/agent.js';
import { approvalOf } from './options/approval.js';
import { nixOf, waitsOf } from './options/building.js';
import { contentsOf } from './options/contents.js';
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
): RunOptions => ({
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
});
