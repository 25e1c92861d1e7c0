import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Vulnerability, VulnerabilityChange } from '../../model/advisories/vulnerability.js';
import { shareEqual } from '../../model/closure/share.js';
import type { Report, ReportedTarget } from '../../model/report/data.js';
import { brokenTarget, exampleReport, exampleTarget } from './report.js';

const HOUR_MS = 3_600_000;
const MIB = 1024 ** 2;

/** How a fleet's past looks. */
export interface Past {
  readonly hosts: number;
  readonly runs: number;
  /** When the newest run began: milliseconds since 1970. */
  readonly until: number;
  readonly instance?: string;
  /** Whether the newest run broke something, and holds something back. */
  readonly troubled?: boolean;
}

/** Reports of nightly runs of a fleet, the oldest first. */
export function pastOf({ hosts, runs, until, instance = 'nightly', troubled = true }: Past): readonly Report[] {
  return Array.from({ length: runs }, (_, index) => {
    const age = runs - 1 - index;
    const startedAt = new Date(until - age * 24 * HOUR_MS).toISOString();
    const isTroubled = troubled && age % 9 === 0;
    const names = Array.from({ length: hosts }, (_host, number) => hostName(number));
    const broken = isTroubled ? Math.ceil(hosts / 20) : 0;
    const own = names.map((name, number) => target(name, { number, index, isBroken: number < broken }));
    const targets = shareEqual(own, ({ name }) => name);
    const commit = String(index % 10).repeat(40);
    return exampleReport({
      run: `${instance}-fleet-${startedAt.replace(/[:.]/g, '-')}`,
      ...{ instance, targets, startedAt, required: names, seconds: 400 + 31 * (index % 12), head: commit },
      repository: `git@forge.example:me/${instance}`,
      outcome: isTroubled ? 'broken' : 'landed',
      landed: isTroubled ? null : { mode: 'merge', ref: 'main', commit },
      inputs: ['nixpkgs', 'home-manager', 'disko'].map((name, number) => ({
        ...{ name, kind: 'github', nested: [] as readonly string[], nestedMoves: [] },
        from: String(number + 1).repeat(40),
        to: String(number + 5).repeat(40),
        fromDate: new Date(until - (age + 3 + 9 * number) * 24 * HOUR_MS).toISOString().slice(0, 10),
        toDate: new Date(until - (age + 1 + 2 * number) * 24 * HOUR_MS).toISOString().slice(0, 10),
        compareUrl: `https://github.com/example/${name}/compare/1111...5555`,
      })),
      ...(isTroubled ? { failuresInRow: { count: 3, alarm: true, paused: false } } : {}),
      ...(troubled && age < 6
        ? {
            heldBack: [
              {
                input: 'hyprland',
                targets: names.slice(0, 2),
                reason: "error: attribute 'wlroots' missing",
                revision: 'a'.repeat(40),
                newRevision: 'b'.repeat(40),
                since: new Date(until - 40 * 24 * HOUR_MS).toISOString(),
                overdue: true,
                failures: [
                  {
                    target: names[0] ?? 'host',
                    error: "attribute 'wlroots' missing",
                    failedDrv: null,
                    ...{ machine: 'machine-1', logPath: '/state/builds/run/log' },
                    logTail: Array.from({ length: 12 }, (_line, line) => `… while evaluating ${line}`).join('\n'),
                  },
                ],
              },
            ],
          }
        : {}),
    });
  });
}

const NAMES = ['athena', 'kyushu', 'okinawa', 'shikoku', 'rhea', 'sakhalin', 'aomi', 'honshu'] as const;
const hostName = (number: number): string =>
  `${NAMES[number % NAMES.length] ?? 'host'}${number < NAMES.length ? '' : Math.floor(number / NAMES.length)}`;

const CVE: Vulnerability = {
  ...{ id: 'CVE-2026-12345', aliases: [], severity: 'high', score: 7.8, tier: 'exact', package: 'firefox' },
  ...{ before: ['140.0'], after: ['140.0.2'] },
};
const VULNERABILITIES: VulnerabilityChange = {
  ...{
    kind: 'checked',
    newest: '2026-11-02T00:00:00.000Z',
    stale: true,
    warnings: ['nvd-2026.json: it ends in the middle'],
  },
  counts: { fixed: 2, introduced: 1, unsureFixed: 1, unsureIntroduced: 0, suppressed: 3 },
  fixed: [
    { ...CVE, severity: 'critical', score: 9.8 },
    { ...CVE, id: 'CVE-2026-4567', severity: 'unknown', score: null, tier: 'mapped', package: 'linux' },
    { ...CVE, id: 'GHSA-aaaa-bbbb-cccc', severity: 'low', score: 3.1, tier: 'name', package: 'libfoo' },
  ],
  introduced: [{ ...CVE, id: 'CVE-2026-999' }],
};

function target(
  name: string,
  { number, index, isBroken }: { readonly number: number; readonly index: number; readonly isBroken: boolean },
): ReportedTarget {
  if (isBroken) return brokenTarget(name, { seconds: 20 + number });
  if (number % 7 === 6) return exampleTarget(name, { sameAsBase: true, seconds: 4 });
  const size = (at: number): number =>
    Math.round((3000 + 90 * (number % 13) + 22 * at + 60 * Math.sin(at + number)) * MIB);
  return exampleTarget(name, {
    seconds: 30 + ((number * 37) % 400),
    plan: { builds: 3 + (number % 9), fetches: 120, downloadBytes: 300 * MIB, unpackedBytes: 900 * MIB },
    closure: {
      kind: 'compared',
      sizes: [size(index - 1), size(index)],
      counts: { up: 2, added: 1, rebuilt: 120 },
      packages: [
        {
          name: 'linux',
          kind: 'up',
          before: ['6.12.24'],
          after: ['6.12.30'],
          sizes: [90 * MIB, 91 * MIB],
          selected: true,
        },
        { name: 'firefox', kind: 'up', before: ['140.0'], after: ['140.0.2'], sizes: [250 * MIB, 251 * MIB] },
        { name: 'libfoo', kind: 'added', before: [], after: ['1.2'], sizes: [0, MIB] },
      ],
      configuration: 3,
      switching: {
        reboot: number % 5 === 0 ? ['kernel', 'initrd'] : [],
        refuses: number % 11 === 3 ? ['dbus-implementation'] : [],
      },
      ...(number % 11 === 3 ? { vulnerabilities: VULNERABILITIES } : {}),
    },
  });
}

/** Writes reports as a worker keeps them, each at the time of its run. */
export async function keepReports(folder: string, reports: readonly Report[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const report of reports) {
    const file = path.join(folder, `${report.run}.json`);
    await writeFile(file, JSON.stringify(report, null, 2));
    const ended = Date.parse(report.startedAt) / 1000 + report.seconds;
    await utimes(file, ended, ended);
  }
}
