import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextFirings, parseCalendar, toScheduleSpec } from '../../../model/calendar/index.js';
import { withServedHouse } from '../../support/runs.js';
import { BASE_TIMES, readSystemdTable, secondsOf } from '../../support/systemd-calendar.js';
import { wholeFile } from '../../support/scope.js';

/** Times that a description of a schedule gives. */
const DESCRIBED = 10;
const AT_ONCE = 20;
/** The last second of Temporal's last year. */
const TEMPORAL_ENDS = Date.parse('2100-12-31T23:59:59Z') / 1000;

describe("what Temporal's own server makes of calendar events", { timeout: 240_000 }, async () => {
  const { client } = await withServedHouse(wholeFile);
  let schedules = 0;

  /** The next times of a schedule that begins at `from`, as the server describes it. */
  async function described(expressions: readonly string[], from: number): Promise<readonly string[]> {
    const { schedule } = client;
    const events = expressions.map((expression) => parseCalendar(expression));
    const handle = await schedule.create({
      scheduleId: `calendar-${(schedules += 1)}`,
      spec: { ...toScheduleSpec(events, { timeZone: 'UTC' }), startAt: new Date((from + 1) * 1000) },
      action: { type: 'startWorkflow', workflowType: 'never', taskQueue: 'nobody' },
    });
    const { info } = await handle.describe();
    await handle.delete();
    return info.nextActionTimes.map(printed);
  }

  const computed = (expressions: readonly string[], from: number): readonly string[] =>
    nextFirings(
      expressions.map((expression) => parseCalendar(expression)),
      { after: from, count: DESCRIBED, timeZone: 'UTC' },
    )
      .filter((firing) => firing <= TEMPORAL_ENDS)
      .map((firing) => printed(new Date(firing * 1000)));

  const assertSame = async (expressions: readonly string[], from: number): Promise<readonly string[]> => {
    const theirs = await described(expressions, from);
    assert.deepEqual(computed(expressions, from), theirs, `${expressions.join('; ')} from ${from}`);
    return theirs;
  };

  test('every expression of the table that has a future fires there as it is computed here', async () => {
    const now = Date.now() / 1000;
    const cases = (await readSystemdTable())
      .map(({ expression }, index) => ({ expression, from: secondsOf(BASE_TIMES[index % BASE_TIMES.length] ?? '') }))
      .filter(({ expression, from }) => from > now && computed([expression], from).length > 0);
    assert.ok(cases.length > 250, String(cases.length));
    for (let index = 0; index < cases.length; index += AT_ONCE) {
      const some = cases.slice(index, index + AT_ONCE);
      await Promise.all(some.map(({ expression, from }) => assertSame([expression], from)));
    }
  });

  /** Beginnings of what the server says where clocks change. */
  const CHANGES: readonly (readonly [what: string, expression: string, from: string, ...firings: string[]])[] = [
    [
      'a time shown twice: the second, east of Greenwich',
      '02:30 Europe/Berlin',
      '2027-10-30T20:00:00Z',
      '2027-10-31T01:30:00Z',
      '2027-11-01T01:30:00Z',
    ],
    [
      'a time in the hour before, east of Greenwich: again an hour later',
      '01:30 Europe/Berlin',
      '2027-10-30T20:00:00Z',
      '2027-10-30T23:30:00Z',
      '2027-10-31T00:30:00Z',
      '2027-11-01T00:30:00Z',
    ],
    [
      'a time shown twice: both, west of Greenwich',
      '01:30 America/New_York',
      '2027-11-07T00:00:00Z',
      '2027-11-07T05:30:00Z',
      '2027-11-07T06:30:00Z',
      '2027-11-08T06:30:00Z',
    ],
    ['each hour', 'hourly Europe/Berlin', '2027-10-30T22:30:00Z', '2027-10-30T23:00:00Z', '2027-10-31T00:00:00Z'],
    ['each hour', 'hourly America/New_York', '2027-11-07T03:30:00Z', '2027-11-07T04:00:00Z', '2027-11-07T05:00:00Z'],
    [
      'each quarter of an hour: some are left out',
      '*:0/15 Europe/Berlin',
      '2027-10-30T23:50:00Z',
      '2027-10-31T00:00:00Z',
      '2027-10-31T01:15:00Z',
      '2027-10-31T02:30:00Z',
    ],
    ['each quarter of an hour', '*:0/15 America/New_York', '2027-11-07T05:10:00Z', '2027-11-07T05:15:00Z'],
    [
      'clocks that go back by half an hour',
      '*:0/15 Australia/Lord_Howe',
      '2027-04-03T14:10:00Z',
      '2027-04-03T14:15:00Z',
    ],
    [
      'a time that half an hour jumps over: that much later',
      '02:15 Australia/Lord_Howe',
      '2027-10-01T00:00:00Z',
      '2027-10-01T15:45:00Z',
      '2027-10-02T15:45:00Z',
      '2027-10-03T15:15:00Z',
    ],
    [
      'a day without midnight: left out',
      'daily America/Santiago',
      '2027-09-03T12:00:00Z',
      '2027-09-04T04:00:00Z',
      '2027-09-06T03:00:00Z',
    ],
    [
      'a Sunday without midnight: no Sunday',
      'Sun 12:00 America/Santiago',
      '2027-09-03T12:00:00Z',
      '2027-09-12T15:00:00Z',
    ],
  ];

  for (const [what, expression, from, ...expected] of CHANGES) {
    test(`where clocks change, ${what} (${expression})`, async () => {
      const theirs = await assertSame([expression], Date.parse(from) / 1000);
      assert.deepEqual(theirs.slice(0, expected.length), expected);
    });
  }

  test('several expressions in one schedule fire at the times of all, each once', async () => {
    const from = secondsOf(BASE_TIMES[1]);
    await assertSame(['Mon..Fri 03:30', 'daily', '*-*~1 12:00', '*-*-* 00:00:00 UTC'], from);
  });
});

const printed = (time: Date): string => time.toISOString().replace('.000Z', 'Z');
