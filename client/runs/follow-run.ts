import { uiLink, type Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { follow } from './follow.js';
import { onInterrupt } from '../terminal/interrupt.js';
import { message, paintFor } from '../terminal/output.js';
import { printEnd } from './print-end.js';
import { chooseRenderer } from '../progress/index.js';
import { workerForWatching } from '../server/provide-worker.js';
import { suggest } from '../terminal/suggest.js';
import type { WorkerSlots } from '../server/worker.js';

export interface FollowOptions {
  /** The command that follows the run again after an interruption. */
  readonly again: string;
  /** As for `exitStatus`. */
  readonly strict?: boolean;
  /** Of a worker that is started here. */
  readonly slots?: WorkerSlots;
}

/**
 * Follows a run with live progress until it is closed, and prints its report. Brings this machine's worker where the run is
 * its to do and none runs.
 * @returns the exit status; 130 when Ctrl-C came first
 */
export async function followRun(
  context: CommandContext,
  session: Session,
  run: string,
  { again, strict = false, slots }: FollowOptions,
): Promise<number> {
  const attended = await workerForWatching(context.state, session, run, slots);
  const { dim } = paintFor(process.stderr);
  const interrupt = onInterrupt();
  const link = await uiLink(session, run);
  if (link !== null) message(dim(`Temporal UI: ${link}`));
  const renderer = chooseRenderer();
  try {
    const remedy = attended ? `this command starts one (its log is ${context.state.workerLog})` : null;
    const end = await follow(context, session, run, { renderer, signal: interrupt.signal, remedy });
    renderer.finish(end?.report ?? null);
    if (end !== null) return printEnd(context, run, end, strict);
    const cancel = suggest('cancel', run);
    message(
      `Interrupted: the run ${run} ${attended ? 'goes on' : 'is not cancelled'}. Follow it again with "${again}", or end it with "${cancel}".`,
    );
    return 130;
  } catch (error) {
    renderer.finish(null);
    throw error;
  } finally {
    interrupt.release();
  }
}
