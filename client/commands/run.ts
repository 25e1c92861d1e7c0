import { openSession } from '../connection.js';
import { findInstance, loadConfiguration, type ConfigFlags } from '../config-file.js';
import type { CommandContext } from '../context.js';
import { followRun } from '../follow-run.js';
import { instanceOptions } from '../instance-options.js';
import { message, paintFor, result, resultJson } from '../output.js';
import { workerProblem } from '../problems.js';
import { plan, sameCommand } from '../run-words.js';
import { startInLine } from '../start-in-line.js';
import { runQueue } from '../start-run.js';
import { typed } from '../typed.js';
import { provideWorker } from '../worker.js';

export interface RunFlags extends ConfigFlags {
  readonly watch?: true;
  readonly strict?: true;
}

/**
 * `lockkeeper run INSTANCE`: a run of a configured instance. When another run holds the repository it waits its turn; when
 * the same one is open already, that one is taken.
 */
export async function runInstance(context: CommandContext, name: string, flags: RunFlags): Promise<number> {
  const instance = findInstance(await loadConfiguration(flags), name);
  const options = await instanceOptions(instance);
  const watch = flags.watch === true;
  const session = await openSession(context, 'run');
  try {
    const { run, isNew } = await startInLine(session, options, {
      skips: instance.overlap === 'skip',
      announce: () => {
        message(plan(options));
      },
    });
    if (watch) {
      await provideWorker(context.state, session, options);
      message(paintFor(process.stderr).dim(`Run ${run}`));
      // The same command would take the place of a run that waits for approval.
      const again = options.supersedes === true ? typed('watch', run) : sameCommand();
      return await followRun(context, session, run, again, flags.strict === true);
    }
    const problem = await workerProblem(session, runQueue(options), 'give --watch, which brings one');
    if (problem !== null) message(`note: ${problem}.`);
    if (context.json) resultJson({ run, isNew, problem });
    else result(run);
    return 0;
  } finally {
    await session.close();
  }
}
