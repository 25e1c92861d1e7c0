import type { CoordinatorActivities } from '../../model/contract/activities.js';
import type { MoveChannelsInput } from '../../model/contract/landing.js';
import type { ChannelMove } from '../../model/channels/move.js';
import { isFinal } from '../../model/run/failures.js';
import { oneLine } from '../../model/text/one-line.js';
import type { ActivityEnvironment } from '../environment.js';
import { keepWhatWasMoved } from './kept-look.js';
import { openGit, type Git } from './git.js';
import { installCommit } from './install-commit.js';
import { inUse, openLocal } from './land-local.js';
import { fetchMirror } from './mirror.js';
import { moveRef } from './move-work-tree.js';
import { exclusively } from './mutex.js';
import { isAncestor } from './branch-owner.js';
import { push, pushTogether, type Push } from './push.js';
import { mainCommit } from './resolve-base.js';
import { openRemoteGit } from './transport.js';
import { whileWaitingFor } from './waiting.js';

/** Looks again after a race. */
const TRIES = 5;

type Channel = MoveChannelsInput['channels'][number];

/** What to do with a channel that stands somewhere, or nowhere. */
type Step = ChannelMove | { readonly push: Push; readonly channel: Channel };

/**
 * Makes the activity that moves channels forward to a commit of main. It looks at main and channels first, moves each from exactly
 * where it was seen, and never by force, so that it is safe to repeat and to run beside others; in this process there is one mover a
 * repository at a time. What is wrong with one channel stops no other.
 */
export const createMoveChannels =
  (env: ActivityEnvironment): CoordinatorActivities['moveChannels'] =>
  (input) =>
    whileWaitingFor(input.repository.displayUrl, async () => {
      const mirror = await installCommit(env, input.repository, input.commit);
      const moves = await exclusively(`channels ${mirror}`, () => moveChannels(env, mirror, input));
      await keepWhatWasMoved(env, mirror, input, moves);
      return moves;
    });

async function moveChannels(
  env: ActivityEnvironment,
  mirror: string,
  input: MoveChannelsInput,
): Promise<readonly ChannelMove[]> {
  const { repository, channels } = input;
  const git = openGit(mirror);
  const move = await mover(mirror, input);
  const done = new Map<string, ChannelMove>();
  for (let attempt = 0; attempt < TRIES && done.size < channels.length; attempt += 1) {
    // One look at main and all channels together.
    await fetchMirror(env, repository);
    const main = await mainCommit(git, repository);
    const lost = (await isAncestor(git, input.commit, main)) ? null : input.commit;
    const pushes = [];
    for (const channel of channels.filter(({ branch }) => !done.has(branch))) {
      const step = await nextStep(git, { main, lost, channel, commit: input.commit });
      if ('push' in step) pushes.push(step);
      else done.set(channel.branch, step);
    }
    for (const result of await move(pushes)) done.set(result.branch, result);
  }
  return channels.map(
    (channel) =>
      done.get(channel.branch) ??
      notMoved(channel, input.commit, null, 'was moved by others each time: the next run looks again'),
  );
}

const settled = (
  { target, branch }: Channel,
  outcome: ChannelMove['outcome'],
  from: string | null,
  to: string,
): ChannelMove => ({ target, branch, outcome, from, to });

const notMoved = (channel: Channel, to: string, from: string | null, reason: string): ChannelMove => ({
  ...settled(channel, 'not-moved', from, to),
  reason,
});

async function nextStep(
  git: Git,
  about: { readonly main: string; readonly lost: string | null; readonly channel: Channel; readonly commit: string },
): Promise<Step> {
  const { main, lost, channel, commit } = about;
  const tip = await git.attempt(['rev-parse', '--verify', '--quiet', `refs/heads/${channel.branch}^{commit}`]);
  const from = tip.exitCode === 0 ? tip.stdout.trim() : null;
  if (lost !== null)
    return { ...notMoved(channel, commit, from, `main does not have commit ${commit.slice(0, 12)} any more`), lost };
  const { stays } = channel;
  if (from === null)
    return stays === undefined
      ? { push: { branch: channel.branch, commit, replaces: null }, channel }
      : notMoved(channel, commit, null, stays);
  if (!(await isAncestor(git, from, main)))
    return { ...notMoved(channel, commit, from, 'main does not have that commit (any more)'), lost: from };
  if (from === commit) return settled(channel, 'there', from, commit);
  if (await isAncestor(git, commit, from)) return settled(channel, 'past', from, commit);
  if (stays !== undefined) return notMoved(channel, commit, from, stays);
  if (!(await isAncestor(git, from, commit)))
    return notMoved(channel, commit, from, 'is on another line of the history of main than the verified commit');
  return { push: { branch: channel.branch, commit, replaces: from }, channel };
}

/** Moves channels from where they were seen; gives what is settled: the others are to be looked at again. */
type Mover = (pushes: readonly Extract<Step, { push: Push }>[]) => Promise<readonly ChannelMove[]>;

async function mover(mirror: string, { repository, commit }: MoveChannelsInput): Promise<Mover> {
  const moved = ({ push: { replaces }, channel }: Extract<Step, { push: Push }>): ChannelMove =>
    settled(channel, 'moved', replaces, commit);
  if (repository.local) {
    const git = openLocal(repository);
    return (pushes) =>
      Promise.all(
        pushes.map(async (each) => {
          const { branch, replaces } = each.push;
          const reason = await inUse(git, branch);
          if (reason !== null) return notMoved(each.channel, commit, replaces, reason);
          try {
            await moveRef(git, branch, commit, replaces);
            return moved(each);
          } catch (error) {
            if (!isFinal(error)) throw error;
            return notMoved(each.channel, commit, replaces, oneLine(error.message, 400));
          }
        }),
      );
  }
  const remote = await openRemoteGit(mirror, repository);
  return async (pushes) => {
    if (pushes.length === 0) return [];
    const taken = await pushTogether(
      remote,
      pushes.map((each) => each.push),
    );
    const done = pushes.filter((each) => taken.has(each.push.branch)).map(moved);
    // A hook may deny all for the sake of one: each of the others is tried by itself.
    for (const each of pushes.filter(({ push: { branch } }) => !taken.has(branch))) {
      const { replaces } = each.push;
      const refused = (said: string): ChannelMove =>
        notMoved(each.channel, commit, replaces, `the remote refused it: ${oneLine(said, 400)}`);
      try {
        const result = await push(remote, repository, each.push);
        if (result === 'pushed') done.push(moved(each));
        else if (!result.raced) done.push(refused(result.said));
      } catch (error) {
        if (!isFinal(error)) throw error;
        done.push(refused(error.message));
      }
    }
    return done;
  };
}
