import { Context } from '@temporalio/activity';
import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import type { ChannelsNoted, ChannelsSeen, DueNews } from '../../model/channels/standing.js';
import type { ChannelsToldInput } from '../../model/contract/landing.js';
import { CHANNELS_TOLD, RECORD_CHANNELS, type About } from '../../model/run/messages.js';
import { makeRoom, newRecordStart } from './instance-records.js';

/** Tells the record of an instance how its channels stand. The look's time tells looks apart, so a repeat changes nothing. */
export async function noteChannels(
  client: Client,
  look: ChannelsSeen & { readonly instance: string },
): Promise<ChannelsNoted> {
  const { instance, at, limitSeconds, behind } = look;
  const about: About<typeof RECORD_CHANNELS> & ChannelsSeen = { about: RECORD_CHANNELS, at, limitSeconds, behind };
  return await tell<ChannelsNoted>(client, instance, `channels:${at}`, about);
}

/** Tells the record that people know. */
export async function noteTold(client: Client, { instance, at, stands, moving }: ChannelsToldInput): Promise<void> {
  const about: About<typeof CHANNELS_TOLD> & DueNews = { about: CHANNELS_TOLD, stands, moving };
  await tell<null>(client, instance, `told:${at}`, about);
}

async function tell<R>(client: Client, instance: string, updateId: string, message: About<string>): Promise<R> {
  await makeRoom(client, instance);
  const startWorkflowOperation = new WithStartWorkflowOperation('recordInstance', newRecordStart(instance));
  Context.current().heartbeat();
  return await client.workflow.executeUpdateWithStart<never, R, [About<string>]>(message.about, {
    args: [message],
    updateId,
    startWorkflowOperation: startWorkflowOperation as never,
  });
}
