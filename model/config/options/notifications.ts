import { checkNtfyTopic, checkServerUrl } from '../../checks/names.js';
import type { RunOptions } from '../../run/options.js';
import { flag, maybe, secretFile, span, text, whole, writtenFile } from '../kinds.js';
import { option, type Values } from './types.js';

export const notifications = {
  ntfyServer: option(
    maybe(text('an address', checkServerUrl)),
    null,
    '"https://ntfy.example.org"',
    'ntfy server that gets a message at the end of a run, and when it waits for approval',
    { flag: '--ntfy-server <url>', needs: ['ntfyTopic'] },
  ),
  ntfyTopic: option(maybe(text('a topic', checkNtfyTopic)), null, '"nix"', 'topic on that server', {
    flag: '--ntfy-topic <topic>',
    needs: ['ntfyServer'],
  }),
  ntfyTokenFile: option(maybe(secretFile), null, '"/run/secrets/ntfy"', 'file with the access token for it', {
    flag: '--ntfy-token-file <file>',
    needs: ['ntfyServer'],
  }),
  inboxOrg: option(
    maybe(writtenFile),
    null,
    '"/home/vincent/org/inbox.org"',
    'org-mode file that gets a `TODO` entry when a run fails, or an input is held back for too long',
    { flag: '--inbox-org <file>' },
  ),
  siteDir: option(
    maybe(writtenFile),
    null,
    '"/srv/www/lockkeeper"',
    'folder for web pages of all runs and hosts, as `lockkeeper site` writes them; updated when a run ends, on the machine that keeps the reports',
    { flag: '--site-dir <folder>' },
  ),
  siteUrl: option(
    maybe(text('an address', checkServerUrl)),
    null,
    '"https://fleet.example.org"',
    'web address of that folder: pull requests and commit statuses link to the report there',
    { flag: '--site-url <url>', needs: ['siteDir'] },
  ),

  failuresAlarm: option(
    whole(1, 1000),
    3,
    '5',
    'after this many failures in a row, messages are urgent; runs that a person stopped do not count',
  ),
  failuresPause: option(flag, false, 'true', 'whether they also pause the schedule until it is resumed'),
  successAlarmSec: option(
    maybe(span(60)),
    null,
    '"15d"',
    'raise an alarm after this time without a successful run, even if no run starts; checked once a day (default: never)',
  ),
};

export const notificationsOf = ({
  ntfyServer,
  ntfyTopic,
  ntfyTokenFile,
  inboxOrg,
}: Values<typeof notifications>): Pick<RunOptions, 'notify'> => ({
  notify: {
    ntfy:
      ntfyServer === null || ntfyTopic === null
        ? null
        : { server: ntfyServer, topic: ntfyTopic, tokenFile: ntfyTokenFile },
    inboxOrg,
  },
});

export const siteOf = ({
  siteDir,
  siteUrl,
}: Values<typeof notifications>): Pick<RunOptions, 'siteDir' | 'siteUrl'> => ({
  ...(siteDir === null ? {} : { siteDir }),
  ...(siteDir === null || siteUrl === null ? {} : { siteUrl }),
});

export const failureLimitOf = ({
  failuresAlarm,
  failuresPause,
}: Values<typeof notifications>): Required<Pick<RunOptions, 'failureLimit'>> => ({
  failureLimit: { failures: failuresAlarm, pauses: failuresPause },
});
