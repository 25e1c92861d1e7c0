import type { RunOptions } from '../../model/run/options.js';
import { openSession } from '../server/connection.js';
import { findInstance, loadConfiguration, type ConfigFlags } from '../options/config-file.js';
import { withRunKey, type CommandContext } from '../context.js';
import { followRun } from '../runs/follow-run.js';
import { instanceOptions } from '../options/instance-options.js';
import { lend } from '../server/lent.js';
import { message, paintFor, result, resultJson } from '../terminal/output.js';
import { workerProblem } from '../server/problems.js';
import { checkWorkers, workerForWatching } from '../server/provide-worker.js';
import { plan, sameCommand } from '../runs/run-words.js';
import { startInLine } from '../runs/start-in-line.js';
import { runQueue } from '../runs/start-run.js';
import { suggest } from '../terminal/suggest.js';

export interface RunFlags extends ConfigFlags {
  readonly watch?: true;
  readonly strict?: true;
  readonly withWorker?: true;
  /** `false`: revisions of inputs may be new. */
  readonly cooldown?: boolean;
}

/**
 * `lockkeeper run INSTANCE`: a run of a configured instance. When another run holds the repository it waits its turn; when
 * the same one is open already, that one is taken.
 */
export async function runInstance(given: CommandContext, name: string, flags: RunFlags): Promise<number> {
  const configuration = await loadConfiguration(flags);
  const context = withRunKey(given, configuration.runKeyFile);
  const instance = findInstance(configuration, name);
  const asked = await instanceOptions(instance);
  const options = flags.cooldown === false ? withoutCooldown(asked) : asked;
  const watch = flags.watch === true;
  const lends = flags.withWorker === true;
  const session = await openSession(context, 'run');
  try {
    const { run, isNew } = await startInLine(context.state, session, options, {
      skips: instance.overlap === 'skip',
      announce: async () => {
        message(plan(options));
        await checkWorkers(session, options, { lends, waits: true });
      },
    });
    if (lends) await lend(context.state, session, run);
    if (watch) {
      message(paintFor(process.stderr).dim(`Run ${run}`));
      // The same command would take the place of a run that waits for approval.
      const again = options.supersedes === true ? suggest('watch', run) : sameCommand();
      return await followRun(context, session, run, { again, strict: flags.strict === true });
    }
    // The server may not know yet of a worker that was started just now.
    const isServed = await workerForWatching(context.state, session, run);
    const problem = isServed ? null : await workerProblem(session, runQueue(options));
    if (problem !== null) message(`note: ${problem}.`);
    if (context.json) resultJson({ run, isNew, problem });
    else result(run);
    return 0;
  } finally {
    await session.close();
  }
}

function withoutCooldown(asked: RunOptions): RunOptions {
  const { cooldown, ...options } = asked;
  return cooldown === undefined ? asked : options;
}
