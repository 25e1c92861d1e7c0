import { waysOfLanding } from '../../model/landing/index.js';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import {
  checkBranchPrefix,
  checkHostName,
  checkIncludedFile,
  checkInputName,
  checkNixOption,
  checkNtfyTopic,
  checkPerson,
  checkRegExp,
  checkServerUrl,
  checkSource,
} from '../../model/checks/names.js';
import {
  BUILDER_WAIT_SECONDS,
  LOCKKEEPER,
  REPOSITORY_WAIT_SECONDS,
  TAKEOVER_SECONDS,
} from '../../model/run/defaults.js';
import type {
  ApprovalPolicy,
  Landing,
  NixSettings,
  NotifyOptions,
  RunOptions,
  Transport,
} from '../../model/run/options.js';
import { repositoryLockId, UPDATE_INSTANCE } from '../../model/run/ids.js';
import { autofixOptions } from './autofix-options.js';
import { CommandError } from '../errors.js';
import { failurePolicy } from './failure-policy.js';
import { resolveFlake } from '../flake/flake.js';
import { gatesOf } from './gates.js';
import { checkReadableFile, checkSecretFile } from './secret-files.js';
import type { UpdateFlags } from './update-flags.js';

const DAY = 86_400;

/** What a run is asked to do, from what a person typed. All that can be checked before anything starts is checked here. */
export async function runOptions(flake: string, flags: UpdateFlags): Promise<RunOptions> {
  const hosts = names(flags.host, '--host', checkHostName);
  const require = requiredHosts(flags.require, hosts);
  const inputs = names(flags.input, '--input', checkInputName);
  const excludeInputs = excludedInputs(flags);
  const exclude = flags.exclude === undefined ? null : checkRegExp(flags.exclude);
  if (exclude !== null && hosts !== 'all') {
    throw new CommandError('--exclude leaves hosts out of all, but --host names them already: leave one of them out.');
  }
  const landing = landingOf(flags);
  const author = flags.author === undefined ? LOCKKEEPER : checkPerson(flags.author);
  const committer = flags.committer === undefined ? author : checkPerson(flags.committer, '--committer');
  const autofix = await autofixOptions(flags);
  const nix = await nixSettings(flags);
  const timeZone = checkTimeZone(flags.timeZone);
  const notify = await notifyOptions(flags);
  const transport = await transportOf(flags);
  const repository = await resolveFlake(flake, {
    remote: flags.remote ?? null,
    main: flags.main ?? null,
    transport,
  });
  return {
    instance: UPDATE_INSTANCE,
    repository,
    targets: { hosts, exclude },
    require,
    inputs,
    ...(excludeInputs.length === 0 ? {} : { excludeInputs }),
    landing,
    approval: approvalOf(flags),
    nix,
    author,
    committer,
    notify,
    timeZone,
    repositoryWaitSeconds: REPOSITORY_WAIT_SECONDS,
    lockWorkflowId: repositoryLockId(repository),
    takeoverSeconds: flags.takeoverTime ?? TAKEOVER_SECONDS,
    builderWaitSeconds: flags.builderWait ?? BUILDER_WAIT_SECONDS,
    ...failurePolicy(flags, landing, autofix !== null),
    autofix,
    gates: gatesOf(flags),
  };
}

/** Sorted and without repeats, so that the same update in another order is the same update. */
function names(
  given: readonly string[] | undefined,
  option: string,
  check: (value: string, option: string) => string,
): 'all' | readonly string[] {
  if (given === undefined) return 'all';
  return [...new Set(given.map((value) => check(value, option)))].sort();
}

function excludedInputs({ input, excludeInput }: UpdateFlags): readonly string[] {
  if (excludeInput !== undefined && input !== undefined) {
    throw new CommandError(
      '--exclude-input leaves inputs out of all, but --input names them already: leave one of them out.',
    );
  }
  const excluded = names(excludeInput, '--exclude-input', checkInputName);
  return excluded === 'all' ? [] : excluded;
}

function requiredHosts(
  given: readonly string[] | undefined,
  hosts: 'all' | readonly string[],
): 'all' | readonly string[] {
  if (given?.includes('all') !== false) {
    if (given !== undefined && given.length > 1) {
      throw new CommandError('--require is either "all" or a list of hosts, not both.');
    }
    return 'all';
  }
  const required = names(given, '--require', checkHostName);
  const missing = required === 'all' || hosts === 'all' ? [] : required.filter((name) => !hosts.includes(name));
  if (missing.length > 0) {
    throw new CommandError(`--require names ${missing.join(', ')}, which this run does not build: add it with --host.`);
  }
  return required;
}

function landingOf(flags: UpdateFlags): Landing {
  if (flags.dryRun === true && flags.land !== undefined && flags.land !== 'none') {
    throw new CommandError(`--dry-run lands nothing, but --land ${flags.land} asks for it: leave one of them out.`);
  }
  const mode = flags.dryRun === true ? 'none' : (flags.land ?? 'branch');
  if (flags.approve === true && !waysOfLanding[mode].lands) {
    throw new CommandError('--approve asks before landing, but a dry run lands nothing: leave one of them out.');
  }
  const removeOldBranches = flags.removeOldBranches === true;
  if (removeOldBranches && !waysOfLanding[mode].makesBranches) {
    throw new CommandError(
      `--remove-old-branches is for updates that land as a branch, but --land ${mode} makes no branch: leave one of them out.`,
    );
  }
  return {
    mode,
    branchPrefix: checkBranchPrefix(flags.branchPrefix ?? 'flake-update-'),
    ...(removeOldBranches ? { removeOldBranches } : {}),
  };
}

function approvalOf(flags: UpdateFlags): ApprovalPolicy | null {
  const { approve, approvalDeadline, approvalReminder, approveWithoutKey } = flags;
  if (approve === true) {
    return {
      deadlineSeconds: approvalDeadline ?? 7 * DAY,
      reminderSeconds: approvalReminder ?? DAY,
      ...(approveWithoutKey === true ? { withoutKey: true } : {}),
    };
  }
  const given = [
    ...(approvalDeadline === undefined ? [] : ['--approval-deadline']),
    ...(approvalReminder === undefined ? [] : ['--approval-reminder']),
    ...(approveWithoutKey === undefined ? [] : ['--approve-without-key']),
  ][0];
  if (given === undefined) return null;
  throw new CommandError(`${given} is for runs that ask: add --approve.`);
}

async function nixSettings(flags: UpdateFlags): Promise<NixSettings> {
  const options = (flags.nixOption ?? []).map((joined) => {
    const space = joined.indexOf(' ');
    return checkNixOption(joined.slice(0, space), joined.slice(space + 1));
  });
  const allowSources = names(flags.allowSource, '--allow-source', checkSource);
  const settings = {
    options,
    impure: flags.impure === true,
    acceptFlakeConfig: flags.acceptFlakeConfig === true,
    ...(allowSources === 'all' ? {} : { allowSources }),
  };
  if (flags.accessTokensFile === undefined) return settings;
  const file = await checkSecretFile(flags.accessTokensFile, '--access-tokens-file');
  return { ...settings, accessTokensFile: checkIncludedFile(file, '--access-tokens-file') };
}

function checkTimeZone(given: string | undefined): string {
  const timeZone = given ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return timeZone;
  } catch {
    throw new CommandError(`--time-zone "${timeZone}" is not a time zone: write one such as Europe/Berlin.`);
  }
}

async function notifyOptions(flags: UpdateFlags): Promise<NotifyOptions> {
  const { ntfyServer, ntfyTopic, ntfyTokenFile, inboxOrg } = flags;
  if ((ntfyServer === undefined) !== (ntfyTopic === undefined)) {
    throw new CommandError('--ntfy-server and --ntfy-topic go together: give both or none.');
  }
  if (ntfyTokenFile !== undefined && ntfyServer === undefined) {
    throw new CommandError('--ntfy-token-file needs --ntfy-server and --ntfy-topic.');
  }
  const ntfy =
    ntfyServer === undefined || ntfyTopic === undefined
      ? null
      : {
          server: checkServerUrl(ntfyServer),
          topic: checkNtfyTopic(ntfyTopic),
          tokenFile: ntfyTokenFile === undefined ? null : await checkSecretFile(ntfyTokenFile, '--ntfy-token-file'),
        };
  return { ntfy, inboxOrg: inboxOrg === undefined ? null : await checkInbox(inboxOrg) };
}

async function checkInbox(path: string): Promise<string> {
  const absolute = resolve(path);
  const folder = await stat(dirname(absolute)).catch(() => null);
  if (folder?.isDirectory() !== true) {
    throw new CommandError(`--inbox-org ${absolute}: its folder does not exist. Make it first.`);
  }
  return absolute;
}

async function transportOf(flags: UpdateFlags): Promise<Transport> {
  const { sshKeyFile, knownHostsFile, httpsTokenFile } = flags;
  return {
    sshKeyFile: sshKeyFile === undefined ? null : await checkSecretFile(sshKeyFile, '--ssh-key-file'),
    knownHostsFile: knownHostsFile === undefined ? null : await checkReadableFile(knownHostsFile, '--known-hosts-file'),
    httpsTokenFile: httpsTokenFile === undefined ? null : await checkSecretFile(httpsTokenFile, '--https-token-file'),
  };
}
