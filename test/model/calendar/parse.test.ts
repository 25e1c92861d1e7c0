import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCalendar, printCalendar } from '../../../model/calendar/index.js';
import { BadInput } from '../../../model/checks/names.js';
import { hasSystemdAnalyze, systemdTakes } from '../../support/systemd-calendar.js';

function refusal(expression: string): string {
  try {
    parseCalendar(expression, 'schedule');
  } catch (error) {
    assert.ok(error instanceof BadInput, String(error));
    assert.equal(error.field, 'schedule');
    return error.message;
  }
  assert.fail(`"${expression}" was taken`);
}

/** What systemd refuses too, and the part that the message has to name. */
const REFUSED: readonly (readonly [expression: string, part: RegExp])[] = [
  ['', /is empty/],
  ['*', /"\*" is not a date/],
  ['12', /"12" is not a date/],
  ['reboot', /"reboot" is neither a weekday/],
  ['Tues', /"Tues" is neither a weekday/],
  ['daily 04:00', /"daily" is neither a weekday such as "Mon" nor a shorthand that stands alone/],
  ['Mon,,Tue', /"" in "Mon,,Tue" is not a weekday/],
  ['mon..', /"" in "mon\.\." is not a weekday/],
  ['Mon.Fri', /"Mon\.Fri" is neither/],
  ['mon..wed..fri', /"mon\.\.wed\.\.fri" is not a range of weekdays/],
  ['fri..mon', /weekdays "fri\.\.mon" runs backwards/],
  ['Mon weekly', /"weekly" at its end is not a time zone/],
  ['daily CEST', /"CEST" at its end is not a time zone.*Europe\/Berlin/],
  ['daily Europe/berlin', /"Europe\/berlin" at its end is not a time zone/],
  ['daily Mars/Olympus', /"Mars\/Olympus"/],
  ['Europe/Berlin', /"Europe\/Berlin" is neither/],
  ['*-13-01', /month 13 is not in 1 to 12/],
  ['*-0-01', /month 0 is not in 1 to 12/],
  ['*-*-32', /day 32 is not in 1 to 31/],
  ['*-*~31', /day 31 is not in 1 to 28 before the end/],
  ['*-*-31~01', /"\*-\*-31~01" is not a date/],
  ['2026~01-01', /"2026~01-01" is not a date/],
  ['~01', /"~01" is not a date/],
  ['2200-01-01', /year 2200 is not in 1970 to 2199/],
  ['1969-01-01', /year 1969/],
  ['24:00', /hour 24 is not in 0 to 23/],
  ['12:60', /minute 60 is not in 0 to 59/],
  ['*:*:60', /second 60 is not in 0 to 59/],
  ['*:59/2', /minute 59\/2 never repeats/],
  ['*-*~1/1', /day 1\/1 never repeats/],
  ['*:0/0', /minute "0\/0" repeats every 0/],
  ['5..4:00', /range of hours 5\.\.4 runs backwards/],
  ['*/2:00', /hour "\*\/2" begins with "\*": write "0\/2"/],
  ['9-17:00', /hour "9-17" is not a range: write "9\.\.17"/],
  ['1.5:00', /hour "1\.5" is not a whole number/],
  ['12:', /minute is empty/],
  ['12:00Z', /minute "00Z"/],
  ['1:2:3:4', /"1:2:3:4" is not a time/],
  ['2026-1-1T00:00', /"2026-1-1T00:00" is not a time|hour "2026-1-1T00"/],
  ['2026-01-01 12', /"12" is not a time/],
  ['@5 12:00', /after "@5" comes nothing/],
  ['@x', /"@x" is not a time/],
  ['12:00 2026-01-01', /"2026-01-01"/],
  ['* * * * *', /written as for cron/],
  ['-', /"-" is not a date/],
  ['99999999999:0', /hour "99999999999"/],
];

/** What systemd takes and Temporal cannot do. */
const NOT_WITH_TEMPORAL: readonly (readonly [expression: string, part: RegExp])[] = [
  ['2026-01-01 00:00:00.5', /"00\.5" has a fraction of a second.*whole seconds/],
  ['05:40:23.4200004/3.1700005', /has a fraction of a second/],
];

for (const [expression, part] of [...REFUSED, ...NOT_WITH_TEMPORAL]) {
  test(`"${expression}" is refused in one line that names the part at fault`, () => {
    const message = refusal(expression);
    assert.match(message, part);
    assert.match(message, /^schedule "/);
    assert.doesNotMatch(message, /\n/);
  });
}

/** What people write who know cron, or think that it is read as it is said. */
const MEANT: readonly (readonly [expression: string, event: string])[] = [
  ['daily 04:00', '*-*-* 04:00:00'],
  ['04:00 daily', '*-*-* 04:00:00'],
  ['every day at 4', '*-*-* 04:00:00'],
  ['daily at 4 am Europe/Berlin', '*-*-* 04:00:00 Europe/Berlin'],
  ['4am', '*-*-* 04:00:00'],
  ['12am', '*-*-* 00:00:00'],
  ['4:30pm', '*-*-* 16:30:00'],
  ['24:00', '*-*-* 00:00:00'],
  ['04.30', '*-*-* 04:30:00'],
  ['midnight', '*-*-* 00:00:00'],
  ['Mondays 04:00', 'Mon *-*-* 04:00:00'],
  ['04:00 Mon', 'Mon *-*-* 04:00:00'],
  ['weekly Sun 3:00', 'Sun *-*-* 03:00:00'],
  ['weekly at noon', 'Mon *-*-* 12:00:00'],
  ['every Monday and Thursday at 4', 'Mon,Thu *-*-* 04:00:00'],
  ['weekdays 04:00', 'Mon..Fri *-*-* 04:00:00'],
  ['monthly 02:00', '*-*-01 02:00:00'],
  ['@daily', '*-*-* 00:00:00'],
  ['@weekly', 'Mon *-*-* 00:00:00'],
  ['0 4 * * *', '*-*-* 04:00:00'],
  ['*/15 * * * *', '*-*-* *:00/15:00'],
  ['0 4 * * 1-5', 'Mon..Fri *-*-* 04:00:00'],
  ['30 2 * * sun', 'Sun *-*-* 02:30:00'],
  ['0 3 * * 6,0', 'Sat,Sun *-*-* 03:00:00'],
  ['0 3 1,15 */3 *', '*-01/3-01,15 03:00:00'],
  ['0 9-17 * * *', '*-*-* 09..17:00:00'],
];

for (const [expression, event] of MEANT) {
  test(`"${expression}" is answered with "${event}"`, () => {
    const message = refusal(expression);
    assert.ok(message.endsWith(` Did you mean "${event}"?`), message);
    assert.equal(printCalendar(parseCalendar(event)), event);
  });
}

test('what nobody can guess is answered with nothing', () => {
  for (const expression of [
    'reboot',
    '@reboot',
    '0 3 1 * 1',
    '0 4 * * 9',
    '25:00',
    '13pm',
    'daily 04:00 CEST',
    '*',
    'x'.repeat(3000),
  ])
    assert.doesNotMatch(refusal(expression), /Did you mean/, expression);
});

test('systemd refuses the same, and takes fractions of seconds', async (context) => {
  if (!(await hasSystemdAnalyze())) {
    context.skip('systemd-analyze is not on this machine');
    return;
  }
  for (const [expression] of [...REFUSED, ...MEANT]) assert.equal(await systemdTakes(expression), false, expression);
  for (const [expression] of NOT_WITH_TEMPORAL) assert.equal(await systemdTakes(expression), true, expression);
});

test('spaces more than needed are taken as one', () => {
  assert.equal(printCalendar(parseCalendar('  Mon   *-*-1   2:3  UTC ')), 'Mon *-*-01 02:03:00 UTC');
});

test('a list that is longer than systemd takes, and a text without an end, are refused', () => {
  const list = Array.from({ length: 300 }, (_, index) => index % 24).join(',');
  assert.match(refusal(`${list}:00`), /more than 241 entries/);
  assert.match(refusal('1,'.repeat(2000)), /longer than 2000 characters/);
});
