import { transportOf } from '../../model/config/options/credentials.js';
import { flagOf } from '../../model/config/options/index.js';
import { runOptionsOf } from '../../model/config/run-options.js';
import { COMPARE_INSTANCE, UPDATE_INSTANCE, VERIFY_INSTANCE } from '../../model/run/ids.js';
import type { RunMode, RunOptions } from '../../model/run/options.js';
import { resolveComparison } from '../flake/comparison.js';
import { resolveFlake } from '../flake/flake.js';
import { checkNamedFile, namedFiles } from '../options/named-files.js';
import { greetServer, openSession } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { followRun } from '../runs/follow-run.js';
import { message, paintFor } from '../terminal/output.js';
import { readFlags, type Asked, type TypedFlags } from '../options/flags.js';
import { plan, sameCommand } from '../runs/run-words.js';
import { startOrAttach, wordsOf } from '../runs/start-run.js';
import { lend } from '../server/lent.js';
import { provideWorker } from '../server/provide-worker.js';

/**
 * `lockkeeper update [FLAKE]` and `lockkeeper verify [FLAKE]`: one run of a flake, followed to its end.
 * @param flags `again`: also what is known of the commit is verified
 */
export async function update(
  context: CommandContext,
  flake: string,
  { again, ...flags }: TypedFlags,
  mode: RunMode = 'update',
): Promise<number> {
  const asked = readFlags(flags, mode);
  // Loading Temporal's client and greeting the server take a while, in which Git answers.
  const greeted = greetServer(context);
  greeted.catch(() => undefined);
  const options = { ...(await updateOptions(flake, asked)), ...(again === true ? { again } : {}) };
  const help = {
    lends: asked.own.withWorker,
    slots: { slots: asked.own.slots, evaluationSlots: asked.own.evalSlots },
  };
  const session = await openSession(context, mode, await greeted);
  try {
    const { run, isNew } = await startOrAttach(context.state, session, options, async () => {
      message(plan(options));
      await provideWorker(context.state, session, options, help);
    });
    if (!isNew) message(`This ${wordsOf(options).noun} runs already: attached to ${run}.`);
    message(paintFor(process.stderr).dim(`Run ${run}`));
    if (help.lends) await lend(context.state, session, run);
    const { slots } = help;
    return await followRun(context, session, run, { again: sameCommand(), strict: asked.own.strict, slots });
  } finally {
    await session.close();
  }
}

/** What a run is asked to do, from what a person typed: an instance without a name, whose repository is FLAKE. */
async function updateOptions(flake: string, { options, given }: Asked): Promise<RunOptions> {
  for (const file of namedFiles(options)) await checkNamedFile(file, flagOf(file.option));
  const search = {
    remote: options.gitRemote,
    main: given.has('mainBranch') ? options.mainBranch : null,
    transport: transportOf(options),
  };
  if (options.skipUpdate) {
    const { repository, compares } = await resolveComparison(flake, search, options.against);
    return runOptionsOf({ name: COMPARE_INSTANCE, ...options }, repository, { compares });
  }
  const repository = await resolveFlake(flake, search);
  const name = options.mode === 'verify' ? VERIFY_INSTANCE : UPDATE_INSTANCE;
  return runOptionsOf({ name, ...options }, repository);
}
