import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What systemd says of one calendar event: its normal form, and for each base time the next firings. */
export interface SystemdEvent {
  readonly expression: string;
  readonly normalised: string;
  /** Seconds since 1970, at most `ITERATIONS` for each of `BASE_TIMES`. */
  readonly firings: readonly (readonly number[])[];
}

/** Before the clocks go forward in Europe, before they go back, and before the end of a leap year's February. */
export const BASE_TIMES = ['2027-03-27 22:00:00 UTC', '2027-10-30 20:00:00 UTC', '2028-02-27 12:00:00 UTC'] as const;
export const ITERATIONS = 20;

const TABLE = fileURLToPath(new URL('../../../test/fixtures/calendar/systemd.txt', import.meta.url));

export const secondsOf = (baseTime: string): number =>
  Date.parse(baseTime.replace(' UTC', 'Z').replace(' ', 'T')) / 1000;

const systemdAnalyze = (args: readonly string[]): Promise<string> =>
  promisify(execFile)('systemd-analyze', ['calendar', ...args], {
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
  }).then(({ stdout }) => stdout);

/** Whether this machine has `systemd-analyze`. */
export const hasSystemdAnalyze = (): Promise<boolean> =>
  systemdAnalyze(['--', 'daily']).then(
    () => true,
    () => false,
  );

/** The systemd that the committed table is of; other versions repeat some steps differently at the end of a month. */
export const TABLE_VERSION = '252';

/** Version of this machine's `systemd-analyze`, or `null` when there is none. */
export const systemdVersion = (): Promise<string | null> =>
  promisify(execFile)('systemd-analyze', ['--version']).then(
    ({ stdout }) => /^systemd (\d+)/.exec(stdout)?.[1] ?? null,
    () => null,
  );

/** Whether systemd takes an expression. */
export const systemdTakes = (expression: string): Promise<boolean> =>
  systemdAnalyze(['--', expression]).then(
    () => true,
    () => false,
  );

/** Asks `systemd-analyze` of this machine. */
export async function askSystemd(expression: string): Promise<SystemdEvent> {
  const outputs = await Promise.all(
    BASE_TIMES.map((base) => systemdAnalyze([`--base-time=${base}`, `--iterations=${ITERATIONS}`, '--', expression])),
  );
  const firings = outputs.map((output) =>
    [...output.matchAll(/(?:Next elapse|Iter\. #\d+): \w{3} (\S+) (\S+) UTC/g)].map(
      ([, date = '', time = '']) => Date.parse(`${date}T${time}Z`) / 1000,
    ),
  );
  const normalised = /^ *Normalized form: (.*)$/m.exec(outputs[0] ?? '')?.[1] ?? '';
  return { expression, normalised, firings };
}

/**
 * The committed table of what systemd says: three lines of firings below each expression with its normal form. A line is
 * the first firing and the seconds from each to the next, `86400x19` being nineteen days.
 */
export async function readSystemdTable(): Promise<readonly SystemdEvent[]> {
  const blocks = (await readFile(TABLE, 'utf8')).trimEnd().split('\n\n');
  return blocks.map((block) => {
    const [heading = '', ...lines] = block.split('\n');
    const [expression = '', normalised = ''] = heading.split(' → ');
    return { expression, normalised, firings: lines.map(readFirings) };
  });
}

export const writeSystemdTable = (events: readonly SystemdEvent[]): Promise<void> =>
  writeFile(
    TABLE,
    `${events
      .map(({ expression, normalised, firings }) =>
        [`${expression} → ${normalised}`, ...firings.map(printFirings)].join('\n'),
      )
      .join('\n\n')}\n`,
  );

const NEVER = 'never';

function readFirings(line: string): readonly number[] {
  if (line === NEVER) return [];
  const [first = '', ...gaps] = line.split(' ');
  const firings = [Date.parse(first) / 1000];
  for (const gap of gaps) {
    const [seconds = 0, times = 1] = gap.split('x').map(Number);
    for (let count = 0; count < times; count += 1) firings.push((firings.at(-1) ?? 0) + seconds);
  }
  return firings;
}

function printFirings(firings: readonly number[]): string {
  const [first] = firings;
  if (first === undefined) return NEVER;
  const runs: { readonly seconds: number; times: number }[] = [];
  for (const [index, firing] of firings.entries()) {
    if (index === 0) continue;
    const seconds = firing - (firings[index - 1] ?? 0);
    const run = runs.at(-1);
    if (run?.seconds === seconds) run.times += 1;
    else runs.push({ seconds, times: 1 });
  }
  const start = new Date(first * 1000).toISOString().replace('.000Z', 'Z');
  return [start, ...runs.map(({ seconds, times }) => (times === 1 ? String(seconds) : `${seconds}x${times}`))].join(
    ' ',
  );
}
