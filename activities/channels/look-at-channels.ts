import { Context } from '@temporalio/activity';
import { keepLook, readLook } from '../../host/channel-looks.js';
import { knownChannels, whyBehind, whyUnnamed, type ChannelLook } from '../../model/channels/look.js';
import { sortMoving, type BehindChannel, type ChannelsNews } from '../../model/channels/standing.js';
import type { CoordinatorActivities } from '../../model/contract/activities.js';
import { channelPattern } from '../../model/channels/names.js';
import type { ActivityEnvironment } from '../environment.js';
import { openGit } from '../git/git.js';
import { lookOf } from '../git/kept-look.js';
import { fetchMirror } from '../git/mirror.js';
import { mainCommit } from '../git/resolve-base.js';
import { seeChannels } from '../git/see-channels.js';
import { whileWaitingFor } from '../git/waiting.js';
import { renewSite, repositoryReports } from '../reports.js';
import { noteChannels, noteTold } from '../server/channel-records.js';

/**
 * Makes the activity that looks where channels are. What stands is counted by the record of the instance, which takes a look that is told
 * twice for one; what is kept on the disk is replaced as a whole. So it may be repeated, and end at any moment.
 */
export const createLookAtChannels =
  (env: ActivityEnvironment): CoordinatorActivities['lookAtChannels'] =>
  (input) =>
    whileWaitingFor(input.repository.displayUrl, async () => {
      const git = openGit(await fetchMirror(env, input.repository));
      const main = await mainCommit(git, input.repository);
      const { mainBranch, displayUrl } = input.repository;
      const found = await seeChannels(git, { main, mainBranch, template: input.template });
      const reports = await repositoryReports(env, input.repository);
      const about = { repository: displayUrl, mainBranch, template: input.template };
      const before = await readLook(env.state, about);
      // Without a report or a look nobody can tell which channels are of targets that are gone.
      const named = knownChannels(reports, before, channelPattern(input.template).whole);
      const targets = named ?? new Map<string, string>();
      const isWatched = (branch: string): boolean => named === null || targets.has(branch);
      const missing = [...targets.keys()].filter((branch) => !found.some((each) => each.branch === branch));
      const behind: BehindChannel[] = [
        ...found
          .filter(({ branch, commit }) => commit !== main && isWatched(branch))
          .map(({ branch, commit, passedAt }) => ({ branch, commit, passedAt })),
        ...missing.map((branch) => ({ branch, commit: null, passedAt: null })),
      ];
      const { due, standing } = await noteChannels(Context.current().client, { ...input, behind });
      const look = lookOf({
        ...{ about, main, found, targets, before, at: input.at },
        since: new Map(standing.map((each) => [each.branch, each.since])),
        why: ({ branch, commit, behind: count }) => {
          if (commit === main) return null;
          if (!isWatched(branch)) return whyUnnamed(branch, input.template, reports);
          return whyBehind({ channel: branch, commit, behind: count, main: mainBranch }, reports);
        },
      });
      await keepLook(env.state, look);
      if (input.siteDir !== undefined && !isSame(before, look)) await renewSite(env, input.siteDir);
      return newsOf(due, look);
    });

/** Notes in the record of the instance that people were told. A repeat notes the same. */
export const channelsTold: CoordinatorActivities['channelsTold'] = (input) => noteTold(Context.current().client, input);

const isSame = (one: ChannelLook | null, other: ChannelLook): boolean =>
  one !== null && JSON.stringify({ ...one, at: '' }) === JSON.stringify({ ...other, at: '' });

function newsOf(due: Awaited<ReturnType<typeof noteChannels>>['due'], { channels, main }: ChannelLook): ChannelsNews {
  const seen = new Map(channels.map((each) => [each.branch, each]));
  return {
    stands: due.stands.map((each) => {
      const { behind = null, why = null } = seen.get(each.branch) ?? {};
      return { ...each, behind, why };
    }),
    ...sortMoving(due.moving, new Map(channels.map(({ branch, commit }) => [branch, commit])), main),
  };
}
