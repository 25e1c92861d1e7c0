import { setTimeout as sleep } from 'node:timers/promises';
import { childrenIn } from '../server/children.js';
import { oneName } from '../../model/text/one-line.js';
import { stripControl } from '../../model/text/text.js';
import { attemptsUnderWay } from '../runs/attempt-logs.js';
import { pendingWork } from '../server/activities.js';
import { openExistingSession } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { CommandError } from '../errors.js';
import { findRunOrReport, type FoundRun } from '../runs/found-run.js';
import { onInterrupt } from '../terminal/interrupt.js';
import {
  chooseLog,
  placesIn,
  placesUnderWay,
  type ChosenLog,
  type LogPlaces,
  type WantedLog,
} from '../runs/log-places.js';
import { lineSplitter, logReader } from '../runs/logs.js';
import { message, result } from '../terminal/output.js';
import { workerForWatching } from '../server/provide-worker.js';
import { runEnd } from '../runs/run-end.js';

const POLL_MS = 500;

/** `lockkeeper logs RUN [TARGET] [-f]`: the whole build log of a target, followed while it grows. */
export async function logs(
  context: CommandContext,
  name: string,
  wanted: WantedLog,
  following: boolean,
): Promise<number> {
  const session = await openExistingSession(context, 'logs');
  const interrupt = onInterrupt();
  try {
    const found = await findRunOrReport(context, session, name);
    if (following && found.kind === 'known') await workerForWatching(context.state, found.session, found.run);
    const chosen = await choose(context, found, wanted, following ? interrupt.signal : null);
    if (chosen === null) return 130;
    if (chosen.failure !== null) message(whatItIs(chosen.failure));
    const read = await logReader(context.state, found, chosen.place);
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
      over = await isOver(found, chosen, wanted);
      if (!over) await sleep(POLL_MS, undefined, { signal: interrupt.signal }).catch(() => undefined);
    }
    const rest = lines.rest();
    if (rest !== '') result(stripControl(rest));
    return 0;
  } finally {
    interrupt.release();
    await session?.close();
  }
}

function whatItIs({ input, target, newRevision }: NonNullable<ChosenLog['failure']>): string {
  const at = newRevision === null ? '' : ` at ${oneName(newRevision).slice(0, 12)}`;
  return `${oneName(target)} with ${oneName(input)}${at}, which is held back (--final shows the log without it):`;
}

/** The log that is meant; with a signal, waits until there is one. `null` when interrupted. */
async function choose(
  context: CommandContext,
  found: FoundRun,
  wanted: WantedLog,
  wait: AbortSignal | null,
): Promise<ChosenLog | null> {
  const run = found.kind === 'known' ? found.run : found.report.run;
  for (let told = false; wait?.aborted !== true; told = true) {
    const places = await placesOf(context, found, wanted.attempt);
    const chosen = chooseLog(places, run, wanted, wait !== null);
    if (chosen !== null) return chosen;
    if (!told) message(`Waiting for the log of the ${wanted.attempt === null ? 'build' : 'attempt'} to begin …`);
    await sleep(POLL_MS, undefined, wait === null ? {} : { signal: wait }).catch(() => undefined);
  }
  return null;
}

async function placesOf(context: CommandContext, found: FoundRun, attempt: number | null): Promise<LogPlaces> {
  if (found.kind === 'forgotten') return placesIn(found.report, attempt);
  const { session, run } = found;
  const open = await placesUnderWay(session, run, attempt);
  if (open !== null) return open;
  const { report } = await runEnd(session, run, context.state);
  if (report === null) throw new CommandError(`The run ${run} ended without a report, so its logs are not known.`);
  return placesIn(report, attempt);
}

/** Whether nobody writes to this log any more. */
async function isOver(found: FoundRun, { place }: ChosenLog, { attempt }: WantedLog): Promise<boolean> {
  if (found.kind === 'forgotten') return true;
  const { session, run } = found;
  const described = await session.client.workflow.getHandle(run).describe();
  if (described.status.name !== 'RUNNING') return true;
  if (attempt !== null) {
    const underWay = [...(await attemptsUnderWay(session, run, attempt)).values()];
    return !underWay.some(({ logPath }) => logPath === place.logPath);
  }
  for (const child of childrenIn(described, 'verifyCandidate')) {
    for (const work of (await pendingWork(session, child)).values()) {
      if (work.step === 'build' && work.heartbeat?.logPath === place.logPath) return false;
    }
  }
  return true;
}
