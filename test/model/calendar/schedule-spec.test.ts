import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextFirings, parseCalendar, toScheduleSpec } from '../../../model/calendar/index.js';
import { BadInput } from '../../../model/checks/names.js';

const spec = (...expressions: string[]): ReturnType<typeof toScheduleSpec> =>
  toScheduleSpec(
    expressions.map((expression) => parseCalendar(expression)),
    { timeZone: 'Europe/Berlin', field: 'schedule' },
  );

function refusal(...expressions: string[]): string {
  try {
    spec(...expressions);
  } catch (error) {
    assert.ok(error instanceof BadInput, String(error));
    return error.message;
  }
  assert.fail('nothing was refused');
}

test('a calendar says the same as its expression, with the normal form as its comment', () => {
  assert.deepEqual(spec('Mon..Fri 2027/2-1/3-1..7,15 8..18/2:0/15'), {
    timezone: 'Europe/Berlin',
    calendars: [
      {
        second: [{ start: 0, end: 0, step: 1 }],
        minute: [{ start: 0, end: 45, step: 15 }],
        hour: [{ start: 8, end: 18, step: 2 }],
        dayOfMonth: [
          { start: 1, end: 7, step: 1 },
          { start: 15, end: 15, step: 1 },
        ],
        month: [{ start: 'JANUARY', end: 'OCTOBER', step: 3 }],
        year: [{ start: 2027, end: 2099, step: 2 }],
        dayOfWeek: [{ start: 'MONDAY', end: 'FRIDAY', step: 1 }],
        comment: 'Mon..Fri 2027/2-01/3-01..07,15 08..18/2:00/15:00',
      },
    ],
  });
});

test('days from the end of a month become a calendar for each length of a month', () => {
  const { calendars = [] } = spec('*-*~01');
  const days = calendars.map(({ dayOfMonth, month, year }) => ({ dayOfMonth, month, year }));
  const day = (value: number) => [{ start: value, end: value, step: 1 }];
  assert.deepEqual(days[0], {
    dayOfMonth: day(31),
    month: [
      { start: 'JANUARY', end: 'JULY', step: 2 },
      { start: 'AUGUST', end: 'DECEMBER', step: 2 },
    ],
    year: '*',
  });
  assert.deepEqual(days[2], {
    dayOfMonth: day(29),
    month: [{ start: 'FEBRUARY', end: 'FEBRUARY', step: 1 }],
    year: [{ start: 2000, end: 2096, step: 4 }],
  });
  assert.deepEqual(days[3]?.dayOfMonth, day(28));
  assert.equal(calendars.length, 4);
});

test('months and years that an expression does not name get no calendar', () => {
  assert.equal(spec('*-04,06~07/1').calendars?.length, 1);
  assert.equal(spec('2028-02~01').calendars?.length, 1);
});

test('one time zone is a schedule, several are refused by name', () => {
  assert.equal(spec('daily UTC', '12:00 UTC').timezone, 'UTC');
  assert.equal(spec('daily Europe/Berlin', '12:00').timezone, 'Europe/Berlin');
  assert.match(
    refusal('daily', '12:00 Asia/Tokyo'),
    /^schedule ".*12:00:00 Asia\/Tokyo" uses several time zones \(Europe\/Berlin, Asia\/Tokyo\)/,
  );
});

test('what can never fire is refused', () => {
  assert.match(refusal('1999-01-01'), /only years that Temporal does not know.*2000 to 2100/);
  assert.match(refusal('2150-01-01'), /2000 to 2100/);
  assert.match(refusal('*-02-30'), /a day that does not exist/);
  assert.match(refusal('2027-02-29'), /a day that does not exist/);
  assert.deepEqual(nextFirings([parseCalendar('*-02-30')], { after: 0, count: 1, timeZone: 'UTC' }), []);
});

test('firings a long way off are found at once', () => {
  const start = Date.now();
  const events = [parseCalendar('Mon *-02-29 23:59:59 Europe/Berlin'), parseCalendar('2199-12-31 23:59:59')];
  const firings = nextFirings(events, { after: 1_800_000_000, count: 20, timeZone: 'UTC' });
  assert.equal(new Date((firings.at(-1) ?? 0) * 1000).toISOString(), '2199-12-31T23:59:59.000Z');
  assert.ok(Date.now() - start < 5000, String(Date.now() - start));
});
