import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import type { Report } from '../../model/report/data.js';
import { nvd, nvdFile } from '../support/advisories.js';
import { createFleet } from '../support/fleet.js';
import type { House } from '../support/lockkeeper.js';
import { connectTo } from '../support/runs.js';
import { seconds, type Figure } from './figures.js';

/** Activities that a run does for its report alone; `closeRun` makes the site, beside what it always did. */
const FOR_REPORT: ReadonlySet<string> = new Set([...['readCommits', 'compareWithBase', 'compareClosures', 'closeRun']]);

/** Time between two moments, in milliseconds. */
type Span = readonly [from: number, to: number];

/**
 * What reports add to an update of 8 hosts of 5 s, with closures to compare, advisories and a site: the time in which the run waited for
 * nothing else, out of the histories of the run and its children. What is done beside builds costs a processor, and no time here: the
 * builders of this fleet sleep.
 */
export async function reports(house: House): Promise<Figure> {
  const fleet = await createFleet({
    hosts: Array.from({ length: 8 }, (_, index) => ({ name: `host${index + 1}`, seconds: 5 })),
  });
  const client = await connectTo(house);
  try {
    const advisories = path.join(fleet.root, 'advisories');
    await mkdir(advisories);
    const list = Array.from({ length: 1000 }, (_, index) => nvd(`CVE-2026-${1000 + index}`, `product${index}`, {}));
    await writeFile(path.join(advisories, 'nvd.json'), nvdFile(list));
    const more = ['--advisories', advisories, '--site-dir', path.join(fleet.root, 'site')];
    const update = async (): Promise<Report> => {
      await fleet.moveInput('alpha');
      const words = [fleet.checkout, '--land', 'merge', '--json', ...more];
      const { exitCode, stdout, stderr } = await house.lockkeeper(['update', ...words]);
      if (exitCode !== 0) throw new Error(stderr);
      return JSON.parse(stdout) as Report;
    };
    // What it lands is what the measured update is compared with.
    await update();
    let report: Report | undefined;
    const wall = await seconds(async () => {
      report = await update();
    });
    const compared = report?.targets.filter(({ closure }) => closure?.kind === 'compared').length;
    if (compared !== 8) throw new Error(`${compared} of 8 hosts were compared`);
    const alone = await timeForReport(client, report?.run ?? '');
    return {
      name: 'reports, of the time of an update of 8 hosts of 5 s',
      value: (100 * alone) / wall,
      limit: 5,
      unit: ' %',
      detail: `${alone.toFixed(2)} of ${wall.toFixed(1)} s; closures, vulnerabilities, commits and site`,
    };
  } finally {
    await client.connection.close();
    await fleet.cleanup();
  }
}

/** Seconds in which only activities for the report were under way, of a run and its children. */
async function timeForReport(client: Client, run: string): Promise<number> {
  const own: Span[] = [];
  const others: Span[] = [];
  for await (const { workflowId } of client.workflow.list())
    if (workflowId.startsWith(run))
      for (const [type, span] of await spansOf(client, workflowId)) (FOR_REPORT.has(type) ? own : others).push(span);
  if (own.length < FOR_REPORT.size || others.length === 0) throw new Error(`the history of ${run} is not understood`);
  return (together([...own, ...others]) - together(others)) / 1000;
}

/** Activities of a workflow: from the moment in which they were asked for until they ended. */
async function spansOf(client: Client, workflowId: string): Promise<readonly (readonly [type: string, span: Span])[]> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const asked = new Map<string, readonly [type: string, at: number]>();
  const spans: [string, Span][] = [];
  for (const each of events ?? []) {
    const at = Number(each.eventTime?.seconds) * 1000 + Number(each.eventTime?.nanos) / 1e6;
    const type = each.activityTaskScheduledEventAttributes?.activityType?.name;
    if (typeof type === 'string') asked.set(String(each.eventId), [type, at]);
    const ended =
      each.activityTaskCompletedEventAttributes ??
      each.activityTaskFailedEventAttributes ??
      each.activityTaskTimedOutEventAttributes ??
      each.activityTaskCanceledEventAttributes;
    const [name, from] = asked.get(String(ended?.scheduledEventId)) ?? [];
    if (name !== undefined && from !== undefined) spans.push([name, [from, at]]);
  }
  return spans;
}

/** Milliseconds that spans cover together. */
function together(spans: readonly Span[]): number {
  let covered = 0;
  let end = 0;
  for (const [from, to] of [...spans].sort(([one], [other]) => one - other)) {
    covered += Math.max(0, to - Math.max(from, end));
    end = Math.max(end, to);
  }
  return covered;
}
