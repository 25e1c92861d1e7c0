import { HOLD_BACK_INPUT, holdId, type HoldRequest } from '../../model/run/messages.js';
import { checkInputName } from '../../model/checks/names.js';
import { openExistingSession } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { result, resultJson } from '../terminal/output.js';
import { workerFor } from '../server/provide-worker.js';
import { findRun, noRuns } from '../runs/runs.js';
import { operator, sendUpdate } from '../runs/send-update.js';
import { suggest } from '../terminal/suggest.js';

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
    await workerFor(context.state, session, run);
    await sendUpdate(session, run, { name: HOLD_BACK_INPUT, id: holdId(input), argument: request });
    if (context.json) resultJson({ run, input });
    else result(`${input} is held back by ${run}. Follow it with "${suggest('watch', run)}".`);
    return 0;
  } finally {
    await session.close();
  }
}
