import { CommanderError, type Command } from 'commander';
import { BadInput } from '../model/checks/names.js';
import { messageOf } from '../model/text/message-of.js';
import { joinNixOptions } from './program/arguments.js';
import { systemCode } from '../host/errors.js';
import { CommandError, grpcCode } from './errors.js';
import { suggest } from './terminal/suggest.js';
import { version } from '../host/installation.js';
import { failure } from './terminal/output.js';
import { declareProgram } from './program/index.js';

/** The `lockkeeper` command; ends the process with its exit status. @param argv arguments after the command's name */
export async function main(argv: readonly string[]): Promise<void> {
  // `lockkeeper list | head`: a closed pipe is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  let status = 0;
  let misused = 'lockkeeper';
  try {
    const program = declareProgram(version(), (code) => {
      status = code;
    });
    speakPlainly(program, misused, (command) => {
      misused = command;
    });
    await program.parseAsync(joinNixOptions(argv), { from: 'user' });
  } catch (error) {
    status = explain(error, misused);
  }
  await flush();
  process.exit(status);
}

/**
 * Commander's own complaints become errors of ours: one message, exit status 1.
 * @param complain called before the error is thrown, with the words of the command that it is about
 */
function speakPlainly(command: Command, words: string, complain: (words: string) => void): void {
  command.exitOverride();
  command.configureOutput({
    outputError: () => {
      complain(words);
    },
  });
  for (const below of command.commands) speakPlainly(below, `${words} ${below.name()}`, complain);
}

/** Of gRPC: what the server cannot do at the moment. */
const UNAVAILABLE = 14;

/** Says what went wrong, in one message, and gives the exit status. */
function explain(error: unknown, misused: string): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    if (error.code === 'commander.help') return 1;
    failure(
      `${error.message
        .replace(/^error: /, '')
        .replace(/\n\(?/g, ' (')
        .replace(/\.$/, '')}. See "${misused} --help".`,
    );
    return 1;
  }
  if (error instanceof CommandError) {
    failure(error.message);
    return error.exitStatus;
  }
  if (error instanceof BadInput) {
    failure(error.message);
    return 1;
  }
  if (systemCode(error) === 'ENOSPC')
    failure(`No space is left: ${messageOf(error)}. Make room, and run the same command again.`);
  else if (grpcCode(error) === UNAVAILABLE)
    failure(
      `The Temporal server cannot do that now (${messageOf(error)}): it is starting, or it cannot write to its disk. ` +
        `"${suggest('doctor')}" tells more; run the same command again later.`,
    );
  else failure(messageOf(error));
  if (process.env.LOCKKEEPER_DEBUG !== undefined && error instanceof Error) failure(error.stack ?? '');
  return 1;
}

/** Pipes are written in the background: a result must be out before the process ends. */
const flush = (): Promise<unknown> =>
  Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))));
