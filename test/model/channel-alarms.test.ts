import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  knownChannels,
  LEFT_OUT,
  namedChannels,
  TARGET_GONE,
  whyBehind,
  whyUnnamed,
} from '../../model/channels/look.js';
import type { ChannelMove } from '../../model/channels/move.js';
import {
  afterLook,
  afterTold,
  dueNews,
  overLimit,
  sortMoving,
  type BehindChannel,
  type ChannelsRecord,
} from '../../model/channels/standing.js';
import { newRecord, readRecordMemo, recordMemo } from '../../model/instance/record.js';
import { ntfy } from '../../model/notify/ntfy.js';
import { watchMark, watchMessage, type WatchNews } from '../../model/notify/ntfy-watch.js';
import { org } from '../../model/notify/org.js';
import { watchEntry } from '../../model/notify/org-watch.js';
import type { ChannelAlarm } from '../../model/notify/types.js';

const DAY = 86_400;
const at = (day: number, hour = 0): string => new Date(Date.UTC(2026, 10, day, hour)).toISOString();
const behind = (branch: string, commit: string | null, passedAt: string | null = null): BehindChannel => ({
  ...{ branch, commit, passedAt },
});

/** Looks one after another: on which day, and what was behind. */
const looks = (...seen: readonly (readonly [time: string, channels: readonly BehindChannel[]])[]): ChannelsRecord => {
  let record: ChannelsRecord | undefined;
  for (const [time, channels] of seen)
    record = afterLook(record, { at: time, limitSeconds: 3 * DAY, behind: channels });
  assert.ok(record);
  return record;
};

const since = ({ standing }: ChannelsRecord): readonly (readonly [string, string])[] =>
  standing.map((each) => [each.branch, each.since]);

test('a channel stands still since main went past it, and not since it was last moved or since an old commit was made', () => {
  const first = looks([at(9), [behind('athena', 'a', at(7))]]);
  assert.deepEqual(
    since(first),
    [['athena', at(7)]],
    'nobody looked before: the date of the commit is all that is known',
  );
  const later = looks([at(8), []], [at(9), [behind('athena', 'a', at(1)), behind('rhea', 'r', at(8, 12))]]);
  assert.deepEqual(
    since(later),
    [
      ['athena', at(8)],
      ['rhea', at(8, 12)],
    ],
    'it was at main a day ago, whenever the commits were made that were pushed since',
  );
  const future = looks([at(9), [behind('athena', 'a', at(20))]]);
  assert.deepEqual(since(future), [['athena', at(9)]], 'a clock that is ahead');
  const stays = looks([at(9), [behind('athena', 'a', at(9))]], [at(10), [behind('athena', 'a', at(9, 1))]]);
  assert.deepEqual(since(stays), [['athena', at(9)]]);
  const moves = looks([at(8), [behind('athena', 'a', at(1))]], [at(9), [behind('athena', 'b', at(2))]]);
  assert.deepEqual(since(moves), [['athena', at(8)]], 'it moved after the last look, so it has not stood for longer');
  assert.deepEqual(since(looks([at(9), [behind('athena', 'a', at(7))]], [at(10), []])), []);
  const never = looks([at(8), [behind('rhea', null)]], [at(9), [behind('rhea', null)]]);
  assert.deepEqual(since(never), [['rhea', at(8)]], 'one that was never made');
});

test('one alarm at the limit, another when as long has passed since, at most one a day, and one word when it moves again', () => {
  const channels = [behind('athena', 'a', at(1)), behind('rhea', 'r', at(8))];
  let record = looks([at(9), channels]);
  const due = () => dueNews(record).stands.map(({ branch, alarm }) => [branch, alarm]);
  assert.deepEqual(due(), [['athena', 1]], 'since day 1, with a limit of three days: nobody was told on day 4 and 7');
  assert.deepEqual(dueNews(afterLook(record, { at: at(9), limitSeconds: 3 * DAY, behind: channels })), dueNews(record));
  const told = dueNews(record);
  record = afterTold(afterTold(record, told), told);
  assert.deepEqual(due(), []);
  record = afterLook(record, { at: at(11), limitSeconds: 3 * DAY, behind: channels });
  assert.deepEqual(due(), [['rhea', 1]]);
  record = afterLook(record, { at: at(12), limitSeconds: 3 * DAY, behind: channels });
  assert.deepEqual(due(), [
    ['athena', 2],
    ['rhea', 1],
  ]);
  assert.deepEqual(
    overLimit(record).map(({ branch }) => branch),
    ['athena', 'rhea'],
  );
  record = afterTold(record, dueNews(record));

  // Athena is at main, rhea has moved and is still behind.
  record = afterLook(record, { at: at(13), limitSeconds: 3 * DAY, behind: [behind('rhea', 's', at(12, 12))] });
  const moving = dueNews(record);
  assert.deepEqual(moving, {
    stands: [],
    moving: [
      { branch: 'athena', since: at(1), commit: 'a' },
      { branch: 'rhea', since: at(8), commit: 'r' },
    ],
  });
  record = afterTold(record, moving);
  assert.deepEqual(dueNews(record), { stands: [], moving: [] });
  const untold = looks([at(9), [behind('athena', 'a', at(8))]], [at(10), []]);
  assert.deepEqual(untold.moving, [], 'nobody had heard that it stood');
});

test('another limit holds at once, however many alarms there were under the one before', () => {
  const channels = [behind('athena', 'a', at(1))];
  let record: ChannelsRecord | undefined;
  for (let day = 1; day <= 20; day += 1) {
    record = afterLook(record, { at: at(day, 1), limitSeconds: 3600, behind: channels });
    record = afterTold(record, dueNews(record));
  }
  const alarms = (day: number, limitSeconds: number): number =>
    dueNews(afterLook(record, { at: at(day, 1), limitSeconds, behind: channels })).stands.length;
  assert.deepEqual([alarms(22, 3 * DAY), alarms(23, 3 * DAY)], [0, 1], 'told on day 20, with a limit of an hour');
  assert.equal(alarms(27, 30 * DAY), 0);
});

test('a channel whose target or branch is gone does not move again', () => {
  const moving = ['main', 'moved', 'stays', 'gone'].map((branch) => ({ branch, since: at(1), commit: 'a' }));
  const commits = new Map([
    ['main', 'm'],
    ['moved', 'b'],
    ['stays', 'a'],
  ]);
  const sorted = sortMoving(moving, commits, 'm');
  assert.deepEqual(
    [sorted.moving, sorted.dropped].map((each) => each.map(({ branch }) => branch)),
    [
      ['main', 'moved'],
      ['stays', 'gone'],
    ],
  );
});

test('hours are enough where the limit is short; the record shows what stands, and one of an earlier version has nothing of it', () => {
  const short = afterLook(undefined, { at: at(9, 5), limitSeconds: 3600, behind: [behind('athena', 'a', at(9, 1))] });
  assert.deepEqual(
    dueNews(short).stands.map(({ alarm }) => alarm),
    [1],
  );
  const before = newRecord('main', new Date(0));
  assert.equal(readRecordMemo(recordMemo(before))?.standing, undefined);
  assert.deepEqual(readRecordMemo(recordMemo({ ...before, channels: short }))?.standing, {
    ...{ at: at(9, 5), count: 1, channels: [{ branch: 'athena', since: at(9, 1) }] },
  });
});

const ALARM: ChannelAlarm = {
  ...{ instance: 'main', repository: 'git.example.org/fleet', mainBranch: 'main', limitSeconds: 3 * DAY },
  stands: [
    {
      ...{ branch: 'nixos-tested-athena', commit: 'a'.repeat(40), since: at(1), alarm: 1, behind: 4 },
      why: 'athena was not built there\n* TODO <2026-01-01 Thu>',
    },
    { branch: 'nixos-tested-rhea', commit: null, since: at(4), alarm: 1, behind: null, why: null },
  ],
  moving: [{ branch: 'nixos-tested-delos', since: at(2) }],
};
const options = { ntfy: { server: 'https://ntfy.example.org', topic: 't', tokenFile: null }, inboxOrg: '/inbox.org' };
const news = (alarm: ChannelAlarm): Extract<WatchNews, { readonly event: 'channels' }> => ({
  ...{ notifier: 'ntfy', options, at: at(8), timeZone: 'UTC', event: 'channels', alarm },
});

test('an alarm names each channel with its time and reason; that channels move again is told quietly, and is no TODO', () => {
  const { title, message, priority } = watchMessage(news(ALARM), 't');
  assert.deepEqual([title, priority], ['⏰ 2 channels stand still: git.example.org/fleet (main)', 4]);
  assert.deepEqual(message.split('\n'), [
    'nixos-tested-athena has stood still for 7 days, and is 4 commits behind: athena was not built there * TODO <2026-01-01 Thu>',
    'nixos-tested-rhea has stood still for 4 days, and was never made',
    'nixos-tested-delos moves again, after 6 days',
    'The limit is 3 days. More: lockkeeper channels main',
    watchMark(news(ALARM)),
  ]);
  const moving = { ...ALARM, stands: [] };
  assert.deepEqual(
    [watchMessage(news(moving), 't').priority, watchMessage(news(moving), 't').title],
    [3, '✅ 1 channel moves again: git.example.org/fleet (main)'],
  );
  assert.deepEqual(
    [ALARM, moving].map((alarm) => [ntfy, org].map((each) => each.wants(options, { event: 'channels', alarm }))),
    [
      [true, true],
      [true, false],
    ],
  );
  const next = { ...ALARM, stands: ALARM.stands.map((each) => ({ ...each, alarm: 2 })) };
  assert.notEqual(watchMark(news(ALARM)), watchMark(news(next)), 'the next alarm is another message');
  assert.equal(
    watchMark(news(ALARM)),
    watchMark({ ...news(ALARM), at: at(8, 1) }),
    'a repeat an hour later is the same',
  );
});

test('an entry names the channels that no earlier entry names, and 300 of them are one message', () => {
  const entry = watchEntry(news(ALARM), () => false, 'UTC') ?? '';
  const lines = entry.trimEnd().split('\n');
  assert.match(lines[0] ?? '', /^\* TODO Channels of git\.example\.org\/fleet \(main\): 2 channels stand still$/);
  const marks = lines.filter((line) => line.startsWith(':LOCKKEEPER_CHANNEL+: '));
  assert.deepEqual(marks, [
    `:LOCKKEEPER_CHANNEL+: main nixos-tested-athena ${at(1)}`,
    `:LOCKKEEPER_CHANNEL+: main nixos-tested-rhea ${at(4)}`,
  ]);
  assert.equal(lines.filter((line) => line.startsWith('*')).length, 1);
  assert.equal(
    watchEntry(news(ALARM), (line) => marks.includes(line), 'UTC'),
    null,
  );
  const one = watchEntry(news(ALARM), (line) => line === marks[0], 'UTC') ?? '';
  assert.match(one, /: 1 channel stands still\n/);
  assert.doesNotMatch(one, /athena/);

  const stands = Array.from({ length: 300 }, (_, index) => ({
    ...{ branch: `nixos-tested-${'h'.repeat(60)}${index}`, commit: 'a'.repeat(40), since: at(1), alarm: 1, behind: 4 },
    why: 'w'.repeat(4000),
  }));
  const { message } = watchMessage(news({ ...ALARM, stands }), 't');
  assert.ok(Buffer.byteLength(message) <= 4096, String(Buffer.byteLength(message)));
  assert.match(watchEntry(news({ ...ALARM, stands }), () => false, 'UTC') ?? '', / {2}: and 280 more\n/);
});

test('a main that was force-pushed is the most urgent message, once', () => {
  const alarm = {
    instance: 'main',
    repository: 'fleet',
    mainBranch: 'main',
    lost: 'a'.repeat(40),
    commit: 'b'.repeat(40),
  };
  const lost: WatchNews = { notifier: 'org', options, at: at(8), timeZone: 'UTC', event: 'lost-main', alarm };
  const { title, priority, message } = watchMessage(lost, 't');
  assert.deepEqual([title, priority], ['🚨 main was force-pushed: fleet (main)', 5]);
  assert.match(message, /^main was force-pushed: it is at bbbbbbbbbbbb, and does not have aaaaaaaaaaaa any more\.\n/);
  const entry = watchEntry(lost, () => false, 'UTC') ?? '';
  assert.match(entry, /^\* TODO main of fleet \(main\) was force-pushed\n/);
  assert.equal(
    watchEntry(lost, (line) => entry.split('\n').includes(line), 'UTC'),
    null,
  );
});

test('why a channel stays is what the newest run says that knows it; one that no instance names is of a target that is gone', () => {
  const move = (branch: string, outcome: ChannelMove['outcome'], reason?: string): ChannelMove => ({
    ...{ target: branch.slice(7), branch, outcome, from: 'a', to: 'b' },
    ...(reason !== undefined && { reason }),
  });
  const reports = [
    { run: 'r3', instance: 'daily' },
    {
      run: 'r2',
      instance: 'main',
      channels: [move('tested-athena', 'not-moved', 'it broke'), move('tested-rhea', 'moved')],
    },
    { run: 'r1', instance: 'main', channels: [move('tested-gone', 'moved')] },
    { run: 'r0', instance: 'verify', channels: [move('tested-delos', 'moved')] },
  ];
  const why = (channel: string, commit: string | null = 'a', count: number | null = 2): string =>
    whyBehind({ channel, commit, behind: count, main: 'main' }, reports);
  assert.equal(why('tested-athena'), 'it broke (r2)');
  assert.equal(why('tested-rhea'), 'newer commits of main are not verified yet');
  assert.match(why('tested-rhea', 'a', null), /^main does not have its commit/);
  assert.match(why('tested-new', null, null), /^no run has moved it/);
  assert.deepEqual([...(namedChannels(reports) ?? [])].map(([branch]) => branch).sort(), [
    ...['tested-athena', 'tested-delos', 'tested-rhea'],
  ]);
  assert.equal(namedChannels(reports.slice(0, 1)), null);

  // A run of one host says nothing about the others, and the one before it names neither.
  const partly = { run: 'r4', instance: 'main', channels: [move('tested-rhea', 'moved')], notAsked: ['athena'] };
  const names = (known: ReadonlyMap<string, string> | null): readonly string[] => [...(known?.keys() ?? [])].sort();
  assert.deepEqual(names(namedChannels([partly, ...reports])), ['tested-athena', 'tested-delos', 'tested-rhea']);
  assert.deepEqual(names(namedChannels([{ ...partly, notAsked: [] }, ...reports])), ['tested-delos', 'tested-rhea']);

  const words = ['athena', 'gone', 'home-bob'].map((name) =>
    whyUnnamed(`tested-${name}`, 'tested-{host}', [{ ...partly, notAsked: ['athena', 'home:bob'] }, ...reports]),
  );
  assert.deepEqual(words, [LEFT_OUT, TARGET_GONE, LEFT_OUT]);

  const seen = { commit: 'a', committedAt: null, behind: 1, why: null, since: null };
  const before = {
    channels: [
      { ...seen, branch: 'tested-athena', target: 'athena' },
      { ...seen, branch: 'tested-gone', target: null },
    ],
  };
  const known = (told: typeof reports, look: typeof before | null): readonly string[] | null => {
    const found = knownChannels(told, look, /^tested-(?:athena|gone|rhea)$/);
    return found === null ? null : names(found);
  };
  const failing = reports.slice(0, 1);
  assert.deepEqual(known(failing, before), ['tested-athena'], 'runs that fail for long do not make it unknown');
  assert.deepEqual(known(reports, before), ['tested-athena', 'tested-rhea'], 'those of the template');
  assert.equal(known(failing, null), null);
});
