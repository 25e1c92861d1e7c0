import { checkChannelTemplate } from '../../channels/names.js';
import type { RunOptions } from '../../run/options.js';
import { maybe, text } from '../kinds.js';
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
};

export const channelsOfRun = ({ channel }: Values<typeof channels>): Pick<RunOptions, 'channel'> =>
  channel === null ? {} : { channel };
