import { uiLink, type Session } from './connection.js';
import type { CommandContext } from './context.js';
import { follow } from './follow.js';
import { onInterrupt } from './interrupt.js';
import { message, paintFor } from './output.js';
import { printEnd } from './print-end.js';
import { chooseRenderer } from './progress/index.js';
import { typed } from './typed.js';

/**
 * Follows a run with live progress until it is closed, and prints its report.
 * @param again the command that picks the run up after an interruption
 * @param strict as for `exitStatus`
 * @returns the exit status; 130 when Ctrl-C came first
 */
export async function followRun(
  context: CommandContext,
  session: Session,
  run: string,
  again: string,
  strict = false,
): Promise<number> {
  const { dim } = paintFor(process.stderr);
  const link = uiLink(session, run);
  if (link !== null) message(dim(`Temporal UI: ${link}`));
  const interrupt = onInterrupt();
  const renderer = chooseRenderer();
  try {
    const end = await follow(context, session, run, renderer, interrupt.signal);
    renderer.finish(end?.report ?? null);
    if (end !== null) return printEnd(context, run, end, strict);
    const cancel = typed('cancel', run);
    message(
      `Interrupted: the run ${run} is not cancelled. Pick it up again with "${again}", or end it with "${cancel}".`,
    );
    return 130;
  } catch (error) {
    renderer.finish(null);
    throw error;
  } finally {
    interrupt.release();
  }
}
