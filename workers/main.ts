import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { messageOf } from '../model/text/message-of.js';
import { runWorker } from './worker.js';
import { declareWorkerOptions } from './options.js';
import { declarePrune } from './prune/command.js';

/** `lockkeeper worker` and `lockkeeper dev`, the processes that do the work, and `lockkeeper prune`, which tidies up. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('lockkeeper').exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 1));
  declareWorkerOptions(
    program.command('worker').description('run a worker: it does the evaluations, builds and other steps of runs'),
    (options) => runWorker(options, () => undefined),
  );
  declareWorkerOptions(
    program.command('dev').description('run an embedded Temporal server with its web UI, and a worker with all roles'),
    async (options) => {
      if ((process.env.TEMPORAL_ADDRESS ?? '') !== '')
        throw new Error(
          'TEMPORAL_ADDRESS is set, and dev starts a server of its own: unset it, or use "lockkeeper worker"',
        );
      await runWorker(options, ({ address, uiUrl }) => {
        // A program reads it from the log.
        if (options.logFormat === 'json') return;
        process.stderr.write(
          `Temporal server  ${address}\nTemporal UI      ${uiUrl ?? ''}\nState            ${options.stateDir}\n`,
        );
      });
    },
  );
  declarePrune(
    program.command('prune').description('remove files from the state directory that no run needs any more'),
  );
  try {
    await program.parseAsync(['node', 'lockkeeper', ...argv]);
    process.exit();
  } catch (error) {
    process.stderr.write(`lockkeeper: ${messageOf(error)}\n`);
    process.exit(1);
  }
}

// The shared worker is started as a process of its own, not through the command.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href)
  await main(process.argv.slice(2));
