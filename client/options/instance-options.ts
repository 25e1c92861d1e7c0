import { gatesOf } from '../../model/config/gates.js';
import type { Instance } from '../../model/config/options.js';
import { repositoryLockId } from '../../model/run/ids.js';
import { checkPerson } from '../../model/checks/names.js';
import { LOCKKEEPER, PROBE_BUDGET, usualFailureSteps } from '../../model/run/defaults.js';
import type {
  ApprovalPolicy,
  AutofixOptions,
  Landing,
  NotifyOptions,
  Repository,
  RunOptions,
} from '../../model/run/options.js';
import { resolveConfigured } from '../flake/flake.js';
import { parseFlakeReference } from '../flake/reference.js';

const approvalOf = ({ deadlineSec, reminderSec, withoutKey }: Instance['approval']): ApprovalPolicy => ({
  deadlineSeconds: deadlineSec,
  reminderSeconds: reminderSec,
  ...(withoutKey ? { withoutKey } : {}),
});

/**
 * What a run of a configured instance is asked to do. Only the checkout is looked at, for the address of its remote.
 * Credentials stay file names here: it is the worker who reads them, perhaps as another user or on another machine.
 * @throws CommandError when there is no such repository
 */
export async function instanceOptions(instance: Instance, find = configuredRepository): Promise<RunOptions> {
  const { buildSystems, exclude, flakeInputs, excludeInputs, inputGroups, approval, nixOptions } = instance;
  const landing = landingOf(instance);
  const author = instance.author === null ? LOCKKEEPER : checkPerson(instance.author);
  const repository = await find(instance);
  return {
    instance: instance.name,
    repository,
    ...(instance.user === null ? {} : { user: instance.user }),
    targets: { hosts: buildSystems.length === 0 ? 'all' : sorted(buildSystems), exclude },
    require: instance.require === 'all' ? 'all' : sorted(instance.require),
    inputs: flakeInputs.length === 0 ? 'all' : sorted(flakeInputs),
    ...(excludeInputs.length === 0 ? {} : { excludeInputs: sorted(excludeInputs) }),
    ...(inputGroups.length === 0 ? {} : { inputGroups: inputGroups.map(sorted) }),
    landing,
    approval: approval.enable ? approvalOf(approval) : null,
    nix: {
      options: Object.entries(nixOptions).sort(([a], [b]) => (a < b ? -1 : 1)),
      impure: instance.impure,
      acceptFlakeConfig: instance.acceptFlakeConfig,
      ...(instance.accessTokensFile === null ? {} : { accessTokensFile: instance.accessTokensFile }),
      ...(instance.allowSources.length === 0 ? {} : { allowSources: sorted(instance.allowSources) }),
    },
    author,
    committer: instance.committer === null ? author : checkPerson(instance.committer),
    notify: notifyOf(instance),
    timeZone: timeZoneOf(instance),
    repositoryWaitSeconds: instance.repositoryWaitSec,
    lockWorkflowId: repositoryLockId(repository),
    ...(instance.overlap === 'supersede' ? { supersedes: true } : {}),
    takeoverSeconds: instance.takeoverSec,
    builderWaitSeconds: instance.builderWaitSec,
    onFailure: instance.onFailure ?? usualFailureSteps(landing.mode, instance.autoFix.enable),
    holdBack: {
      never: sorted(instance.neverHoldBack),
      pinned: [...instance.pinnedInputs].sort((one, other) => (one.input < other.input ? -1 : 1)),
      probeBudget: PROBE_BUDGET,
      alarmSeconds: instance.heldBackAlarmSec,
    },
    failureLimit: { failures: instance.failuresAlarm, pauses: instance.failuresPause },
    autofix: autofixOf(instance),
    gates: gatesOf(instance),
  };
}

/** The instance's time zone, or this machine's. */
export const timeZoneOf = ({ timeZone }: Instance): string =>
  timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

const sorted = (names: readonly string[]): readonly string[] => [...new Set(names)].sort();

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
  const { name, repoPath, repoUrl, flakeDir, gitRemote, mainBranch, sshKeyFile, knownHostsFile, httpsTokenFile } =
    instance;
  const reference =
    repoPath === null
      ? parseFlakeReference(repoUrl ?? '')
      : { kind: 'path' as const, path: repoPath, dir: '', ref: null };
  return resolveConfigured(
    { ...reference, dir: flakeDir === '' ? reference.dir : flakeDir },
    { remote: gitRemote, main: mainBranch, transport: { sshKeyFile, knownHostsFile, httpsTokenFile } },
    `instances.${name}`,
  );
}

function landingOf({ dryRun, autoMerge, branchPrefix, removeOldBranches }: Instance): Landing {
  return {
    mode: dryRun ? 'none' : autoMerge ? 'merge' : 'branch',
    branchPrefix,
    ...(removeOldBranches ? { removeOldBranches } : {}),
  };
}

export function notifyOf({ ntfyServer, ntfyTopic, ntfyTokenFile, inboxOrg }: Instance): NotifyOptions {
  const ntfy =
    ntfyServer === null || ntfyTopic === null
      ? null
      : { server: ntfyServer, topic: ntfyTopic, tokenFile: ntfyTokenFile };
  return { ntfy, inboxOrg };
}

function autofixOf({ autoFix }: Instance): AutofixOptions | null {
  if (!autoFix.enable) return null;
  const {
    command,
    extraArgs,
    envFile,
    homePaths,
    network,
    nixDaemon,
    maxAttempts,
    timeoutSec,
    protectedPaths,
    maxFiles,
    maxLines,
  } = autoFix;
  return {
    command,
    args: extraArgs,
    envFile,
    homePaths,
    network,
    nixDaemon,
    maxAttempts,
    timeoutSeconds: timeoutSec,
    rules: { protected: protectedPaths, maxFiles, maxLines },
  };
}
