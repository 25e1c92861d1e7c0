import { log } from '@temporalio/activity';
import { keepLook, readLook } from '../../host/channel-looks.js';
import { knownChannels, whyBehind, whyUnnamed, type ChannelLook, type SeenChannel } from '../../model/channels/look.js';
import type { ChannelMove } from '../../model/channels/move.js';
import { channelPattern } from '../../model/channels/names.js';
import type { MoveChannelsInput } from '../../model/contract/landing.js';
import { messageOf } from '../../model/text/message-of.js';
import type { ActivityEnvironment } from '../environment.js';
import { repositoryReports } from '../reports.js';
import { openGit } from './git.js';
import { mainCommit } from './resolve-base.js';
import { seeChannels, type FoundChannel } from './see-channels.js';

/** Keeps where channels are after a run moved them, for the pages of the site. What fails is only logged. */
export async function keepWhatWasMoved(
  env: ActivityEnvironment,
  mirror: string,
  { repository, template }: MoveChannelsInput,
  moves: readonly ChannelMove[],
): Promise<void> {
  if (template === undefined) return;
  const { displayUrl, mainBranch } = repository;
  const about = { repository: displayUrl, mainBranch, template };
  try {
    const git = openGit(mirror);
    const main = await mainCommit(git, repository);
    const before = await readLook(env.state, about);
    const reports = await repositoryReports(env, repository);
    const known = knownChannels(reports, before, channelPattern(template).whole);
    const named = new Map(moves.map((move) => [move.branch, move]));
    const moved = new Map(moves.filter(({ outcome }) => outcome === 'moved').map(({ branch, to }) => [branch, to]));
    const found = await seeChannels(git, { main, mainBranch, template, moved });
    const why = ({ branch, commit, behind }: Pick<SeenChannel, 'branch' | 'commit' | 'behind'>): string | null => {
      if (commit === main) return null;
      const move = named.get(branch);
      // It may be that of another instance, or of a target that this run was not asked for.
      if (move === undefined)
        return known?.has(branch) === false
          ? whyUnnamed(branch, template, reports)
          : whyBehind({ channel: branch, commit, behind, main: mainBranch }, reports);
      if (move.outcome === 'not-moved') return move.reason ?? '';
      return behind === null
        ? `${mainBranch} does not have its commit`
        : `newer commits of ${mainBranch} are not verified yet`;
    };
    await keepLook(
      env.state,
      lookOf({
        ...{ about, main, found, why, at: new Date().toISOString() },
        targets: new Map([...(known ?? []), ...moves.map(({ branch, target }) => [branch, target] as const)]),
        before,
      }),
    );
  } catch (error) {
    log.warn('where channels are was not noted', { error: messageOf(error) });
  }
}

interface LookParts {
  readonly about: Pick<ChannelLook, 'repository' | 'mainBranch' | 'template'>;
  readonly main: string;
  readonly at: string;
  readonly found: readonly FoundChannel[];
  /** Labels of the targets that are known, by their channels. */
  readonly targets: ReadonlyMap<string, string>;
  readonly why: (channel: Pick<SeenChannel, 'branch' | 'commit' | 'behind'>) => string | null;
  readonly before: ChannelLook | null;
  /** Since when channels stand, where that is known for certain. */
  readonly since?: ReadonlyMap<string, string>;
}

/** A look as it is kept: channels that are there, and those that were never made. */
export function lookOf({ about, main, at, found, targets, why, before, since }: LookParts): ChannelLook {
  const earlier = new Map(before?.channels.map((each) => [each.branch, each]));
  const there = new Set(found.map(({ branch }) => branch));
  const missing = [...targets.keys()].filter((branch) => !there.has(branch));
  const facts = [
    ...found,
    ...missing.map((branch) => ({ branch, commit: null, committedAt: null, behind: null, passedAt: null })),
  ];
  const channels = facts.map(({ branch, commit, committedAt, behind, passedAt }): SeenChannel => {
    const known = earlier.get(branch);
    const stood = known?.commit === commit ? known.since : null;
    const begun = stood ?? (passedAt === null || passedAt > at ? at : passedAt);
    return {
      ...{ branch, target: targets.get(branch) ?? null, commit, committedAt, behind },
      why: why({ branch, commit, behind }),
      since: commit === main ? null : (since?.get(branch) ?? begun),
    };
  });
  return { ...about, main, at, channels: channels.sort((one, other) => (one.branch < other.branch ? -1 : 1)) };
}
