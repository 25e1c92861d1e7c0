import { isCancellation } from '@temporalio/workflow';
import { lackingCaches } from '../../model/caches/outcome.js';
import type { ChannelMove } from '../../model/channels/move.js';
import { channelsOf } from '../../model/channels/names.js';
import { waysOfLanding } from '../../model/landing/index.js';
import { verdictWords } from '../../model/report/words.js';
import type { RunOptions } from '../../model/run/options.js';
import { isFlakeTarget, targetLabel } from '../../model/targets/index.js';
import type { Verdict } from '../../model/verify/verdict.js';
import { coordinator } from '../calls/coordinator.js';
import { rootCause } from '../calls/failures.js';
import type { Facts, Found } from './facts.js';
import type { Run } from './run.js';

/** Moves the channel of each target that was built at the commit of main that the run verified, or has landed. */
export async function moveChannels({ options, state }: Run): Promise<Found> {
  const { channel: template, repository, caches } = options;
  const { verdicts, landed, candidate } = state.facts();
  const other = landed?.merged !== undefined && landed.merged.commit !== candidate?.head ? landed.merged.commit : null;
  const commit = other ?? commitOfMain(options, state.facts());
  if (template === undefined || commit === null || verdicts.length === 0) return {};
  const targets = verdicts.map(({ target }) => target).filter(isFlakeTarget);
  const reasons = new Map(verdicts.map((verdict) => [targetLabel(verdict.target), reasonToStay(verdict, caches)]));
  const channels = channelsOf(template, targets, { main: repository.mainBranch, field: 'channel' }).map((channel) => {
    const stays = reasons.get(channel.target) ?? null;
    return stays === null ? channel : { ...channel, stays };
  });
  // The forge made another commit of it, of which others build another system.
  if (other !== null)
    return {
      channels: channels.map(({ target, branch }): ChannelMove => ({
        ...{ target, branch, outcome: 'not-moved', from: null, to: other },
        reason: 'that commit of main is another one than was verified: "lockkeeper verify" moves it there',
      })),
    };
  try {
    return { channels: await coordinator('move channels').moveChannels({ repository, commit, template, channels }) };
  } catch (error) {
    const why = isCancellation(error) ? 'the run was cancelled' : rootCause(error).message;
    return {
      channels: channels.map(({ target, branch }): ChannelMove => ({
        ...{ target, branch, outcome: 'not-moved', from: null, to: commit },
        reason: reasons.get(target) ?? why,
      })),
    };
  }
}

/** Why the channel of a target is not to be moved, as a sentence without its subject; `null` when it is. */
function reasonToStay(verdict: Verdict, caches: RunOptions['caches']): string | null {
  const { target, verdict: kind } = verdict;
  if (kind !== 'built')
    return `${targetLabel(target)} was not built there (${verdictWords({ ...verdict, kind: target.kind })})`;
  const lacking = lackingCaches(verdict, caches);
  return lacking.length === 0 ? null : `${lacking.join(' and ')} does not have all of ${targetLabel(target)}`;
}

/** The commit that the verdicts are about, if it is main's own: only of such a one others build the same system. */
function commitOfMain({ verifies }: RunOptions, { outcome, candidate, landed }: Facts): string | null {
  if (candidate === null) return null;
  if (verifies === true) return outcome === 'verified' || outcome === 'broken' ? candidate.head : null;
  if (landed === null) return null;
  const onMain = waysOfLanding[landed.mode].movesMain ? landed.commit : landed.merged?.commit;
  return onMain === candidate.head ? onMain : null;
}
