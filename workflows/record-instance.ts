import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineUpdate,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import {
  afterLook,
  afterTold,
  dueNews,
  type ChannelsNoted,
  type ChannelsSeen,
  type DueNews,
} from '../model/channels/standing.js';
import { afterEnd, failuresUpTo, recordMemo, type InstanceRecord, type RunEnd } from '../model/instance/record.js';
import { finalFailure } from '../model/run/failures.js';
import { CHANNELS_TOLD, isAbout, RECORD_CHANNELS, RECORD_END, type About } from '../model/run/messages.js';

const recordEnd = defineUpdate<number, [RunEnd]>(RECORD_END);
const recordChannels = defineUpdate<ChannelsNoted, [About<typeof RECORD_CHANNELS> & ChannelsSeen]>(RECORD_CHANNELS);
const channelsTold = defineUpdate<null, [About<typeof CHANNELS_TOLD> & DueNews]>(CHANNELS_TOLD);

/** Ends and looks after which the history begins anew: some six events each, far below the server's limit. Looks at many channels are long, and the server asks for it earlier. */
const MESSAGES = 200;

/**
 * Keeps the record of one instance. The server's retention removes closed workflows: this one is open until `apply` removes its
 * instance, and its history begins anew from time to time.
 */
export async function recordInstance(start: InstanceRecord): Promise<never> {
  let record = start;
  let messages = 0;
  const learn = (next: InstanceRecord): void => {
    messages += 1;
    const [before, after] = [recordMemo(record), recordMemo(next)];
    record = next;
    if (JSON.stringify(before) !== JSON.stringify(after)) upsertMemo(after);
  };
  setHandler(recordEnd, (end): number => {
    messages += 1;
    record = afterEnd(record, end);
    upsertMemo(recordMemo(record));
    return failuresUpTo(record, end.run);
  });
  setHandler(
    recordChannels,
    (seen): ChannelsNoted => {
      const channels = afterLook(record.channels, seen);
      learn({ ...record, channels });
      return { due: dueNews(channels), standing: channels.standing.map(({ branch, since }) => ({ branch, since })) };
    },
    { validator: onlyAbout(RECORD_CHANNELS) },
  );
  setHandler(
    channelsTold,
    (told): null => {
      if (record.channels !== undefined) learn({ ...record, channels: afterTold(record.channels, told) });
      return null;
    },
    { validator: onlyAbout(CHANNELS_TOLD) },
  );
  upsertMemo(recordMemo(record));
  // eslint-disable-next-line temporal/workflow-condition-timeout-style -- it waits for as long as its instance exists
  await condition(() => (messages >= MESSAGES || workflowInfo().continueAsNewSuggested) && allHandlersFinished());
  // replay-tested: 2026-11-25, test/replay/0.1.0
  return await continueAsNew<typeof recordInstance>(record);
}

/** Who may read what is on the server could send it again as another message. */
const onlyAbout =
  (message: string) =>
  (sent: unknown): void => {
    if (!isAbout(sent, message)) throw finalFailure('BadOptions', `This is no ${message}.`);
  };
