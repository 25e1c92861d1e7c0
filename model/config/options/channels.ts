import { checkChannelTemplate } from '../../channels/names.js';
import type { RunOptions } from '../../run/options.js';
import { flag, maybe, span, text } from '../kinds.js';
import { option, type Values } from './types.js';

export const channels = {
  channel: option(
    maybe(text('a template of branches', checkChannelTemplate)),
    null,
    '"nixos-tested-{host}"',
    'a [branch for each target](channels.md#channels), moved forward to each commit of main of which that target was built; `{host}` stands for the name of a host and for `KIND-NAME` of other targets, `{kind}` and `{name}` for those words of all of them (default: no channels)',
    {
      flag: '--channel <template>',
      help: 'move a branch for each target that is built, such as `nixos-tested-{host}`, forward to the commit of main (default: none)',
    },
  ),
  channelAlarmSec: option(
    maybe(span(60)),
    null,
    '"3d"',
    'raise an alarm when a channel [has stood still](channels.md#channels-that-stand-still) for this long while main is ahead of it, even if no run starts; checked once an hour (default: never)',
  ),
  statuses: option(
    flag,
    false,
    'true',
    'of an instance that verifies: set [commit statuses](channels.md#statuses) on the forge, `lockkeeper` and `lockkeeper/TARGET`, pending while they build; takes the token of `forge`',
  ),
};

export const channelsOfRun = ({ channel }: Values<typeof channels>): Pick<RunOptions, 'channel'> =>
  channel === null ? {} : { channel };
