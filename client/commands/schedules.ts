import type { ScheduleHandle } from '@temporalio/client';
import { scheduleId } from '../../model/run/ids.js';
import type { ShownRecord } from '../../model/instance/record.js';
import { oneLine } from '../../model/text/one-line.js';
import { unprovenIn } from '../../model/run/proof.js';
import type { RunOptions } from '../../model/run/options.js';
import { nearest } from '../../model/text/nearest.js';
import { DAY_MS } from '../../model/text/span.js';
import { openExistingSession, type Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { message, paintFor, result, resultJson } from '../terminal/output.js';
import { pointInTime } from '../terminal/point-in-time.js';
import { workerProblem } from '../server/problems.js';
import { workerForWatching } from '../server/provide-worker.js';
import { runState } from '../runs/run-state.js';
import { OVERLAPS } from '../schedules/desired.js';
import { listOwned, type Owned } from '../schedules/owned.js';
import { listRecords } from '../schedules/records.js';
import { listRuns } from '../runs/runs.js';
import { askWatcher, listWatchers, pauseWatcher, watcherOf, type ListedWatch } from '../schedules/watchers.js';
import { minute, scheduleTable, type ListedSchedule } from '../schedules/table.js';
import { sideBySide } from '../../host/side-by-side.js';
import { startInLine } from '../runs/start-in-line.js';
import { runQueue } from '../runs/start-run.js';
import { suggest } from '../terminal/suggest.js';

const noSchedules = (): string =>
  `There are no schedules yet. Write a configuration (docs/configuration.md), then: ${suggest('apply')}`;
/** Among how many runs the last one of a watcher is looked for. */
const RUNS_LOOKED_AT = 200;
/** Questions at once. */
const AT_ONCE = 12;

/** `lockkeeper schedules`: the schedules with what they last gave and when they come next. */
export async function listSchedules(context: CommandContext): Promise<number> {
  const session = await openExistingSession(context, 'schedules');
  try {
    const owned = session === null ? [] : await listOwned(session);
    const records = new Map((session === null ? [] : await listRecords(session)).map((each) => [each.instance, each]));
    const listed =
      session === null
        ? []
        : [
            ...(await sideBySide(owned, AT_ONCE, (each) => describe(session, each, records.get(each.instance)))),
            ...(await sideBySide(await listWatchers(session), AT_ONCE, (each) =>
              describeWatcher(session, each, records.get(each.instance)),
            )),
          ];
    if (context.json) resultJson(listed);
    else if (listed.length === 0) message(noSchedules());
    else result(scheduleTable(listed, paintFor(process.stdout)));
    return 0;
  } finally {
    await session?.close();
  }
}

async function describe(session: Session, schedule: Owned, record: ShownRecord | undefined): Promise<ListedSchedule> {
  const { instance, lockkeeper, state, info } = schedule;
  return {
    instance,
    configuration: lockkeeper,
    paused: state.paused,
    note: state.note === undefined || state.note === '' ? null : state.note,
    last: await lastStarted(session, schedule),
    next: state.paused ? [] : info.nextActionTimes.slice(0, 3).map((time) => time.toISOString()),
    failuresInRow: record?.failures ?? 0,
    lastSuccess: record?.lastSuccess ?? null,
    ...standingIn(record),
  };
}

/** Channels that stand still, if somebody has looked lately. */
const standingIn = (record: ShownRecord | undefined): Pick<ListedSchedule, 'standingChannels' | 'standingCount'> =>
  record?.standing === undefined || Date.now() - Date.parse(record.standing.at) > DAY_MS
    ? {}
    : { standingChannels: record.standing.channels, standingCount: record.standing.count };

async function describeWatcher(
  session: Session,
  { instance, lockkeeper, paused, pollSeconds, verified, trouble }: ListedWatch,
  record: ShownRecord | undefined,
): Promise<ListedSchedule> {
  const [last] = (await listRuns(session, RUNS_LOOKED_AT)).filter(({ memo }) => memo?.instance === instance);
  return {
    instance,
    configuration: lockkeeper,
    paused: paused !== null,
    note: paused,
    last:
      last === undefined
        ? null
        : { run: last.workflowId, state: runState(last), startedAt: last.startTime.toISOString() },
    next: [],
    watch: { pollSeconds, verified, trouble },
    failuresInRow: record?.failures ?? 0,
    lastSuccess: record?.lastSuccess ?? null,
    ...standingIn(record),
  };
}

/** What a schedule started last: a run, or the look of a watch. The schedule knows of it longer than the server keeps it. */
async function lastStarted(session: Session, { scheduleId: id, info }: Owned): Promise<ListedSchedule['last']> {
  const query = `TemporalScheduledById = "${id}"`;
  for await (const found of session.client.workflow.list({ query, pageSize: 1 })) {
    return { run: found.workflowId, state: runState(found), startedAt: found.startTime.toISOString() };
  }
  const taken = info.recentActions.at(-1);
  if (taken === undefined) return null;
  const run = taken.action.workflow.workflowId;
  // One that has just started may not be listed yet.
  const found = await session.client.workflow
    .getHandle(run)
    .describe()
    .catch(() => null);
  return { run, state: found === null ? null : runState(found), startedAt: taken.takenAt.toISOString() };
}

/** `lockkeeper schedules pause|resume INSTANCE`. What runs already goes on. */
export const pauseSchedule = (
  context: CommandContext,
  instance: string,
  action: 'pause' | 'resume',
  why: string | null,
): Promise<number> => {
  const watching: Watching = (session, watcher) => pauseWatching(context, session, watcher, action, why);
  return withSchedule(context, instance, watching, async (_session, handle) => {
    if (action === 'pause') await handle.pause(why ?? 'paused with lockkeeper schedules pause');
    // An empty note is replaced by the client's own words.
    else await handle.unpause(why ?? 'resumed with lockkeeper schedules resume');
    const { state, info } = await handle.describe();
    const next = state.paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null);
    if (context.json) resultJson({ instance, paused: state.paused, note: state.note ?? null, next });
    else
      result(
        state.paused
          ? `${instance} is paused.`
          : `${instance} runs again${next === null ? '' : `, next at ${minute(next)} UTC`}.`,
      );
  });
};

/** What a command does with the watcher of an instance that has no schedule. */
type Watching = (session: Session, watcher: ListedWatch) => Promise<void>;

async function pauseWatching(
  context: CommandContext,
  session: Session,
  watcher: ListedWatch,
  action: 'pause' | 'resume',
  why: string | null,
): Promise<void> {
  const { instance, taskQueue } = watcher;
  const note = action === 'pause' ? (why ?? 'paused with lockkeeper schedules pause') : null;
  await pauseWatcher(session, watcher, note);
  const problem = await workerProblem(session, taskQueue);
  if (problem !== null) message(`note: ${problem}.`);
  if (context.json) resultJson({ instance, paused: note !== null, note, next: null });
  else result(note === null ? `${instance} watches main again.` : `${instance} is paused.`);
}

/** `lockkeeper schedules trigger INSTANCE`: a run as the schedule would start it, but with an id at once. */
export const triggerSchedule = (context: CommandContext, instance: string): Promise<number> => {
  const watching: Watching = async (session, watcher) => {
    await askWatcher(session, watcher);
    const problem = await workerProblem(session, watcher.taskQueue);
    if (problem !== null) message(`note: ${problem}.`);
    if (context.json) resultJson({ run: null, isNew: true, problem });
    else result(`${instance}: verification of main asked for.`);
  };
  return withSchedule(context, instance, watching, async (session, handle) => {
    const { action, policies } = await handle.describe();
    if (action.workflowType !== 'updateFlake') {
      await handle.trigger();
      const problem = await workerProblem(session, action.taskQueue);
      if (problem !== null) message(`note: ${problem}.`);
      if (context.json) resultJson({ run: null, isNew: true, problem });
      else result(`${instance}: check started.`);
      return;
    }
    const [options] = (action.args ?? []) as readonly RunOptions[];
    const unproven = unprovenIn(options);
    if (unproven !== null)
      throw new CommandError(
        `The input of the schedule of ${instance} ${unproven.why}: check the configuration, and then "${suggest('apply')}".`,
      );
    if (options === undefined) throw new CommandError(`The schedule of ${instance} has no arguments: apply it again.`);
    const { run, isNew } = await startInLine(context.state, session, options, {
      skips: policies.overlap === OVERLAPS.skip,
      announce: () => Promise.resolve(),
    });
    // The server may not know yet of a worker that was started just now.
    const isServed = await workerForWatching(context.state, session, run);
    const problem = isServed ? null : await workerProblem(session, runQueue(options));
    if (problem !== null) message(`note: ${problem}.`);
    if (context.json) resultJson({ run, isNew, problem });
    else result(run);
  });
};

/** `lockkeeper schedules backfill INSTANCE`: runs for times that are over, one after another. */
export const backfillSchedule = (
  context: CommandContext,
  instance: string,
  span: { readonly from: string; readonly to?: string },
): Promise<number> => {
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const start = new Date(pointInTime(span.from, local, '--from') * 1000);
  const end = new Date(pointInTime(span.to ?? 'now', local, '--to') * 1000);
  if (end <= start) {
    throw new CommandError(`--to ${end.toISOString()} is not after --from ${start.toISOString()}: exchange them.`);
  }
  const watching: Watching = () =>
    Promise.reject(
      new CommandError(
        `${instance} watches main and has no schedule: "${suggest('schedules trigger', instance)}" verifies main now.`,
      ),
    );
  return withSchedule(context, instance, watching, async (_session, handle) => {
    await handle.backfill({ start, end, overlap: 'BUFFER_ALL' });
    if (context.json) resultJson({ instance, from: start.toISOString(), to: end.toISOString() });
    else
      result(
        `The server starts the runs of ${instance} that were due from ${minute(start.toISOString())} to ${minute(end.toISOString())} UTC, one after another.`,
      );
  });
};

async function withSchedule(
  context: CommandContext,
  instance: string,
  watching: Watching,
  work: (session: Session, handle: ScheduleHandle) => Promise<void>,
): Promise<number> {
  const session = await openExistingSession(context, 'schedules');
  if (session === null) throw new CommandError(noSchedules());
  const { ScheduleNotFoundError } = await import('@temporalio/client');
  try {
    const watcher = await watcherOf(session, instance);
    if (watcher === null) await work(session, session.client.schedule.getHandle(scheduleId(instance)));
    else await watching(session, watcher);
    return 0;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) throw await unknown(session, instance);
    throw error;
  } finally {
    await session.close();
  }
}

async function unknown(session: Session, instance: string): Promise<CommandError> {
  const known = [...(await listOwned(session)), ...(await listWatchers(session))];
  const names = known.map((each) => each.instance);
  if (names.length === 0) return new CommandError(noSchedules());
  const near = nearest(instance, names);
  return new CommandError(
    `There is no schedule of "${oneLine(instance, 100)}". ${near === null ? `There are ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}` : `Did you mean "${near}"`}${near === null ? '.' : '?'} After a change of the configuration: ${suggest('apply')}`,
  );
}
