import { HOLD_BACK_INPUT, holdId, type HoldRequest } from '../../model/messages.js';
import { checkInputName } from '../../model/names.js';
import { shellQuote } from '../../model/text.js';
import { openExistingSession } from '../connection.js';
import type { CommandContext } from '../context.js';
import { followRun } from '../follow-run.js';
import { message, result, resultJson } from '../output.js';
import { findRun, noRuns } from '../runs.js';
import { operator, sendUpdate } from '../send-update.js';
import { workerFor } from '../worker.js';

/** `lockkeeper hold RUN INPUT`: keeps an input of an open run where it is on main. The run verifies the rest again. */
export async function hold(
  context: CommandContext,
  name: string,
  input: string,
  comment: string | null,
): Promise<number> {
  const request: HoldRequest = { by: operator(), input: checkInputName(input, 'INPUT'), comment };
  const session = await openExistingSession(context, 'hold');
  if (session === null) throw noRuns();
  try {
    const run = await findRun(session, name);
    // The run's validator must answer, so somebody has to work on it.
    const worker = await workerFor(context.state, session, run);
    await sendUpdate(session, run, { name: HOLD_BACK_INPUT, id: holdId(input), argument: request });
    if (worker?.own === true) {
      // The worker ends with this command, and the run needs it to go on.
      message(`${input} is held back.`);
      return await followRun(context, session, run, `lockkeeper watch ${shellQuote(run)}`);
    }
    if (context.json) resultJson({ run, input });
    else result(`${input} is held back by ${run}. Follow it with "lockkeeper watch ${shellQuote(run)}".`);
    return 0;
  } finally {
    await session.close();
  }
}
