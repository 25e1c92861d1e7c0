import { setTimeout as sleep } from 'node:timers/promises';
import { oneName } from '../../model/one-line.js';
import { stripControl } from '../../model/text.js';
import { targetLabel } from '../../model/verdict.js';
import { attemptsOf, attemptsUnderWay } from '../attempt-logs.js';
import { finishedVerdicts, pendingWork, verificationsOf } from '../activities.js';
import { openExistingSession, type Session } from '../connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { onInterrupt } from '../interrupt.js';
import { lineSplitter, logReader, type LogPlace } from '../logs.js';
import { look } from '../look.js';
import { message, result } from '../output.js';
import { workerForWatching } from '../provide-worker.js';
import { runEnd } from '../run-end.js';
import { findRun, noRuns } from '../runs.js';

const POLL_MS = 500;

/** Whose log is asked for. */
interface Wanted {
  /** `null`: the only target that comes into question. */
  readonly target: string | null;
  /** The log of an agent's attempt in place of the build's. */
  readonly attempt: number | null;
}

/** `lockkeeper logs RUN [TARGET] [-f]`: the whole build log of a target, followed while it grows. */
export async function logs(context: CommandContext, name: string, wanted: Wanted, following: boolean): Promise<number> {
  const session = await openExistingSession(context, 'logs');
  if (session === null) throw noRuns();
  const interrupt = onInterrupt();
  try {
    const run = await findRun(session, name);
    if (following) await workerForWatching(context.state, session, run);
    const place = await placeOf(session, context, run, wanted, following ? interrupt.signal : null);
    if (place === null) return 130;
    const read = await logReader(session, context.state, run, place);
    const lines = lineSplitter();
    let offset = 0;
    let over = !following;
    for (;;) {
      const { bytes, nextOffset } = await read(offset);
      for (const line of lines.push(bytes)) result(stripControl(line));
      if (interrupt.signal.aborted) return 130;
      const more = nextOffset > offset;
      offset = nextOffset;
      if (more) continue;
      if (over) break;
      // What was written between the last slice and the end of the build is read by one more turn.
      over = await isOver(session, run, place, wanted);
      if (!over) await sleep(POLL_MS, undefined, { signal: interrupt.signal }).catch(() => undefined);
    }
    const rest = lines.rest();
    if (rest !== '') result(stripControl(rest));
    return 0;
  } finally {
    interrupt.release();
    await session.close();
  }
}

/** Where the log lies; with a signal, waits until the build has one. `null` when interrupted. */
async function placeOf(
  session: Session,
  context: CommandContext,
  run: string,
  wanted: Wanted,
  wait: AbortSignal | null,
): Promise<LogPlace | null> {
  for (let told = false; wait?.aborted !== true; told = true) {
    const places = await logPlaces(session, context, run, wanted);
    const place = choose(places, run, wanted, wait !== null);
    if (place !== null) return place;
    if (!told) message(`Waiting for the log of the ${wanted.attempt === null ? 'build' : 'attempt'} to begin …`);
    await sleep(POLL_MS, undefined, wait === null ? {} : { signal: wait }).catch(() => undefined);
  }
  return null;
}

interface Places {
  readonly closed: boolean;
  /** Every target; `null` for one that has no log (yet). */
  readonly targets: ReadonlyMap<string, LogPlace | null>;
  readonly broken: readonly string[];
}

async function logPlaces(session: Session, context: CommandContext, run: string, { attempt }: Wanted): Promise<Places> {
  const { status, view } = await look(session, run, null);
  if (status !== 'RUNNING') {
    const { report } = await runEnd(session, run, context.state);
    if (report === null) throw new CommandError(`The run ${run} ended without a report, so its logs are not known.`);
    if (attempt !== null) return { closed: true, targets: attemptsOf(report, attempt), broken: [] };
    const targets = report.targets.map(({ name, logPath, machine }) => {
      return [name, logPath === null ? null : { logPath, machine }] as const;
    });
    const broken = report.targets.filter(({ verdict }) => verdict !== 'built').map(({ name }) => name);
    return { closed: true, targets: new Map(targets), broken };
  }
  if (attempt !== null) {
    return { closed: false, targets: await attemptsUnderWay(session, run, attempt), broken: [] };
  }
  const targets = new Map<string, LogPlace | null>(view.targets.map(({ name }) => [name, null]));
  // Of a target that was verified more than once, the last build counts.
  for (const child of await verificationsOf(session, run)) {
    for (const { target, logPath, machine } of await finishedVerdicts(session, child)) {
      if (logPath !== null) targets.set(targetLabel(target), { logPath, machine });
    }
    for (const [name, work] of await pendingWork(session, child)) {
      // A build that has only been taken on has no log: its file is not there yet.
      if (work.step !== 'build' || work.heartbeat === null || work.heartbeat.logBytes === 0) continue;
      targets.set(name, { logPath: work.heartbeat.logPath, machine: work.heartbeat.machine });
    }
  }
  return { closed: false, targets, broken: [] };
}

function choose(places: Places, run: string, { target, attempt }: Wanted, waits: boolean): LogPlace | null {
  const what = attempt === null ? 'build log' : `log of an attempt ${attempt}`;
  const names = [...places.targets.keys()];
  if (target !== null) {
    const place = places.targets.get(target);
    if (place !== undefined && place !== null) return place;
    if (place === undefined && (places.closed || names.length > 0)) {
      throw new CommandError(`The run ${run} has no target "${target}": it has ${some(names)}.`);
    }
    if (waits && !places.closed) return null;
    throw new CommandError(`The target "${target}" of ${run} has no ${what}${places.closed ? '' : ' yet'}.`);
  }
  const logged = names.filter((name) => places.targets.get(name) != null);
  const wanted = places.broken.filter((name) => logged.includes(name));
  const [only] = wanted.length === 1 ? wanted : logged;
  if (only !== undefined && (wanted.length === 1 || logged.length === 1)) return places.targets.get(only) ?? null;
  if (logged.length > 1) throw new CommandError(`The run ${run} has several logs: name a target of ${some(logged)}.`);
  if (waits && !places.closed) return null;
  throw new CommandError(`The run ${run} has no ${what}${places.closed ? '' : ' yet'}.`);
}

/** Whether nobody writes to this log any more. */
async function isOver(session: Session, run: string, place: LogPlace, { attempt }: Wanted): Promise<boolean> {
  const { status, raw } = await session.client.workflow.getHandle(run).describe();
  if (status.name !== 'RUNNING') return true;
  if (attempt !== null) {
    const underWay = [...(await attemptsUnderWay(session, run, attempt)).values()];
    return !underWay.some(({ logPath }) => logPath === place.logPath);
  }
  const children = (raw.pendingChildren ?? []).map(({ workflowId }) => workflowId ?? '');
  for (const child of children.filter((id) => id.includes('-verify-'))) {
    for (const work of (await pendingWork(session, child)).values()) {
      if (work.step === 'build' && work.heartbeat?.logPath === place.logPath) return false;
    }
  }
  return true;
}

const some = (names: readonly string[]): string =>
  names.length === 0
    ? 'none'
    : names.slice(0, 12).map(oneName).join(', ') + (names.length > 12 ? ` and ${names.length - 12} more` : '');
