import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { timeFrom } from '../../client/terminal/local-time.js';
import { hasSystemdAnalyze } from '../support/systemd-calendar.js';

const LOCKKEEPER = fileURLToPath(new URL('../../../bin/lockkeeper', import.meta.url));

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

const ask = (program: string, timeZone: string, ...args: string[]): Promise<Ended> =>
  promisify(execFile)(program, ['calendar', ...args], { env: { ...process.env, TZ: timeZone, LC_ALL: 'C' } }).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: unknown) => error as Ended,
  );

/** How far the times are from now depends on when each of the two was asked. */
const withoutNow = (text: string): string => text.replace(/^ +From now: .*\n?/gm, '');

test('calendar prints what systemd-analyze prints', async (context) => {
  if (!(await hasSystemdAnalyze())) {
    context.skip('systemd-analyze is not on this machine');
    return;
  }
  const questions = [
    ['daily'],
    ['Mon *-05~07/1', '*-*-* 00:00:00', '2012-*-*'],
    ['--base-time=2027-03-27 20:00 UTC', '--iterations=12', '*-*-* 00/6:30 Europe/Berlin'],
  ];
  for (const zone of ['UTC', 'Europe/Berlin', 'America/New_York']) {
    for (const args of questions) {
      const [ours, theirs] = [await ask(LOCKKEEPER, zone, ...args), await ask('systemd-analyze', zone, ...args)];
      assert.equal(ours.stderr, '');
      assert.equal(withoutNow(ours.stdout), withoutNow(theirs.stdout), `${zone} ${args.join(' ')}`);
    }
  }
});

test('calendar says how far a time is in systemd words', () => {
  const day = 86_400;
  for (const [seconds, words] of [
    [0.46, '460ms left'],
    [99, '1min 39s left'],
    [16 * 60, '16min left'],
    [76 * 60, '1h 16min left'],
    [11.5 * 3600, '11h left'],
    [day + 11.3 * 3600, '1 day 11h left'],
    [2.5 * day, '2 days left'],
    [8 * day + 5, '1 week 1 day left'],
    [28 * day, '4 weeks 0 days left'],
    [184 * day, '6 months 1 day left'],
    [457 * day, '1 year 3 months left'],
    [-48 * 60, '48min ago'],
  ] as const) {
    assert.equal(timeFrom(1000, 1000 + seconds), words);
  }
});

test('calendar --json gives the firings, and a note tells where Temporal and systemd differ', async () => {
  const { stdout, stderr, code } = await ask(
    LOCKKEEPER,
    'UTC',
    ...['02:30 Europe/Berlin', '--json', '--base-time', '2027-10-30T00:00:00Z', '--iterations', '2'],
  );
  assert.deepEqual(JSON.parse(stdout), [
    {
      expression: '02:30 Europe/Berlin',
      normalized: '*-*-* 02:30:00 Europe/Berlin',
      timeZone: 'Europe/Berlin',
      firings: [
        { at: '2027-10-30T00:30:00.000Z', nearRepeatedHour: false },
        { at: '2027-10-31T01:30:00.000Z', nearRepeatedHour: true },
      ],
      refusal: null,
    },
  ]);
  assert.match(stderr, /^note: clocks in Europe\/Berlin show an hour twice/);
  assert.equal(code, 0);
});

test('calendar refuses in one line what is no expression, no base time, or no schedule', async () => {
  for (const [args, complaint] of [
    [['Mon 25:00'], /^error: calendar event "Mon 25:00" is not a calendar event: the hour 25 is not in 0 to 23\.\n$/],
    [['daily', '--base-time', 'soon'], /^error: --base-time "soon" is not a calendar event: "soon" is neither/],
    [['daily', '--base-time', 'daily'], /^error: --base-time "daily" is not a single point in time: write one such as/],
    [['daily', '--iterations', '0'], /^error: --iterations "0" is not a whole number/],
    [['2150-01-01'], /^error: calendar event "2150-01-01 00:00:00" names only years that Temporal does not know/],
  ] as const) {
    const { stderr, code } = await ask(LOCKKEEPER, 'UTC', ...args);
    assert.match(stderr, complaint);
    assert.equal(code, 1);
  }
});
