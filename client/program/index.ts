import { Command } from 'commander';
import { commandContext, type GlobalOptions } from '../context.js';
import { declareConfigured } from './instances.js';
import { declareMachine } from './machine.js';
import { declareRuns } from './runs.js';
import { declareUpdate } from './update.js';

/**
 * Declares the whole command line. What a command does is imported when it is called, so that help and completion
 * answer at once.
 * @param exit takes the exit status of the command that ran
 */
export function declareProgram(version: string, exit: (status: number) => void): Command {
  const program = new Command('lockkeeper')
    .description(
      'Keeps NixOS flake repositories up to date: updates flake.lock, builds every host, pushes what builds.',
    )
    .version(version, '-V, --version')
    .option(
      '--state-dir <folder>',
      'where state is kept (default: $LOCKKEEPER_STATE_DIR, else the XDG state directory)',
    )
    .option(
      '--run-key-file <file>',
      'key that authorises commands to the workers of a server elsewhere (default: $LOCKKEEPER_RUN_KEY_FILE)',
    )
    .option('--json', 'results as JSON on standard output')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showSuggestionAfterError(true);
  const declaration = { program, exit, context: () => commandContext(program.opts<GlobalOptions>()) };

  declareUpdate(declaration);
  declareConfigured(declaration);
  declareRuns(declaration);
  declareMachine(declaration);
  return program;
}
