import { greetServer, openSession } from '../connection.js';
import type { CommandContext } from '../context.js';
import { followRun } from '../follow-run.js';
import { message, paintFor } from '../output.js';
import { runOptions } from '../run-options.js';
import { plan, sameCommand } from '../run-words.js';
import { startOrAttach } from '../start-run.js';
import type { UpdateFlags } from '../update-flags.js';
import { lend } from '../lent.js';
import { provideWorker } from '../provide-worker.js';

/** `lockkeeper update [FLAKE]`: one run of a flake, followed to its end. */
export async function update(context: CommandContext, flake: string, flags: UpdateFlags): Promise<number> {
  // Loading Temporal's client and greeting the server take a while, in which Git answers.
  const greeted = greetServer(context);
  greeted.catch(() => undefined);
  const options = await runOptions(flake, flags);
  const help = {
    lends: flags.withWorker === true,
    slots: { slots: flags.slots ?? null, evaluationSlots: flags.evalSlots ?? null },
  };
  const session = await openSession(context, 'update', await greeted);
  try {
    const { run, isNew } = await startOrAttach(context.state, session, options, async () => {
      message(plan(options));
      await provideWorker(context.state, session, options, help);
    });
    if (!isNew) message(`This update runs already: attached to ${run}.`);
    message(paintFor(process.stderr).dim(`Run ${run}`));
    if (help.lends) await lend(context.state, session, run);
    const { slots } = help;
    return await followRun(context, session, run, { again: sameCommand(), strict: flags.strict === true, slots });
  } finally {
    await session.close();
  }
}
