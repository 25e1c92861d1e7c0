import { mayBringToMain, waysOfLanding } from '../landing/index.js';
import { notifySummary } from '../notify/index.js';
import { normaliseUrl } from '../run/keys.js';
import { formatSeconds } from '../text/text.js';
import type { Instance } from './options/index.js';
import { notificationsOf } from './options/notifications.js';

/** What is allowed and still deserves a word. */
export const notesOf = (instances: readonly Instance[]): readonly string[] => [
  ...instances.flatMap(idle),
  ...instances.flatMap((instance) => impatient(instance, instances)),
];

/** Options that do nothing as they are. */
function idle(instance: Instance): string[] {
  const {
    name,
    mode,
    land,
    merge,
    mergeMethod,
    channel,
    ntfyServer,
    ntfyTopic,
    approval,
    enable,
    successAlarmSec,
    channelAlarmSec,
    skipUpdate,
    maxBuilds,
  } = instance;
  const tellsNobody = notifySummary(notificationsOf(instance).notify).length === 0;
  const where = `instances.${name}`;
  const lacking = ntfyServer === null ? 'ntfyServer' : 'ntfyTopic';
  return [
    ...(channel === null || mode === 'verify' || mayBringToMain({ land, merge, mergeMethod })
      ? []
      : [
          `${where} moves no channel, because its ${merge === 'never' || !waysOfLanding[land].asksForge ? `land is "${land}"` : `mergeMethod is "${mergeMethod ?? ''}"`}: an instance with mode = "verify" moves them`,
        ]),
    ...(maxBuilds === null || updates({ mode, skipUpdate })
      ? []
      : [`${where} builds without a limit: maxBuilds counts for updates only`]),
    ...(enable ? [] : [`${where} has no schedule: enable is false`]),
    ...((ntfyServer === null) === (ntfyTopic === null)
      ? []
      : [`${where} sends no ntfy messages: ${lacking} is not given`]),
    ...(approval.enable && ntfyTopic === null
      ? [`${where} asks for approval, and tells nobody: give ntfyServer and ntfyTopic`]
      : []),
    ...(channelAlarmSec !== null && channel === null
      ? [`${where} has channelAlarmSec, and no channels: give channel`]
      : []),
    ...(channelAlarmSec !== null && channel !== null && enable && tellsNobody
      ? [`${where} has channelAlarmSec, and tells nobody: give ntfyServer and ntfyTopic, or inboxOrg`]
      : []),
    ...(successAlarmSec !== null && enable && tellsNobody
      ? [`${where} has successAlarmSec, and tells nobody: give ntfyServer and ntfyTopic, or inboxOrg`]
      : []),
  ];
}

/** Runs that fail behind another instance of their repository that asks for approval, because that may take longer than they wait. */
function impatient(instance: Instance, instances: readonly Instance[]): string[] {
  const holder = instances.find(
    (other) =>
      other.name !== instance.name &&
      updates(instance) &&
      updates(other) &&
      repositoryOf(other) === repositoryOf(instance) &&
      other.approval.enable &&
      other.approval.deadlineSec > instance.repositoryWaitSec,
  );
  if (holder === undefined) return [];
  const waits = formatSeconds(instance.repositoryWaitSec);
  const asks = formatSeconds(holder.approval.deadlineSec);
  return [
    `instances.${instance.name} waits at most ${waits} for its repository, which instances.${holder.name} may keep for ${asks} while it asks for approval: runs fail then, unless repositoryWaitSec is as long`,
  ];
}

const updates = ({ mode, skipUpdate }: Pick<Instance, 'mode' | 'skipUpdate'>): boolean =>
  mode === 'update' && !skipUpdate;

const repositoryOf = ({ repoPath, repoUrl, mainBranch }: Instance): string =>
  `${normaliseUrl(repoPath ?? repoUrl ?? '')}\n${mainBranch}`;
