import { availableParallelism, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { typedValue, type Kind } from '../model/config/kinds.js';
import type { DeclaredOptions, Machine } from '../model/machine/declared-option.js';
import { defaultStateRoot, runKeyFile } from '../model/machine/state-directory.js';
import { WORKER_OPTIONS, type LogFormat, type Role, type WorkerOptions } from '../model/machine/worker-options.js';

export interface WorkerCommandOptions {
  readonly stateDir: string;
  readonly roles: readonly Role[];
  /** The account whose runs it does; `null`: those of nobody in particular. */
  readonly userQueue: string | null;
  /** `null`: what this machine's Nix can build. */
  readonly systems: readonly string[] | null;
  readonly slots: number;
  readonly evaluationSlots: number;
  /** Key of a server elsewhere; `null`: none, and for the embedded server its own. */
  readonly runKeyFile: string | null;
  /** Commands that gates and agents may be; `null`: all. */
  readonly allowedCommands: readonly string[] | null;
  readonly healthPort: number | null;
  readonly metricsPort: number | null;
  /** Where webhooks are listened for, and the file with their secrets; `null`: nowhere. */
  readonly hooks: { readonly port: number; readonly address: string; readonly secretFile: string } | null;
  readonly logFormat: LogFormat;
  /** Started by a command: end when no command and no run needs a worker. */
  readonly attended: boolean;
}

/** Adds the options that `worker` and `dev` share, and calls `action` with what was given. */
export const declareWorkerOptions = (
  command: Command,
  action: (options: WorkerCommandOptions) => Promise<void>,
): Command =>
  declareOptions(command, WORKER_OPTIONS)
    .addOption(new Option('--attended').hideHelp())
    .action((given: WorkerOptions & { readonly attended?: true }) =>
      action({
        stateDir: resolve(given.stateDir),
        roles: given.roles,
        userQueue: given.userQueue ?? null,
        systems: given.systems ?? null,
        slots: given.slots,
        evaluationSlots: given.evalSlots,
        runKeyFile: runKeyFile(given.runKeyFile, process.env),
        allowedCommands: given.allowCommand ?? null,
        healthPort: given.healthPort ?? null,
        metricsPort: given.metricsPort ?? null,
        hooks: hooksOf(given),
        logFormat: given.logFormat,
        attended: given.attended === true,
      }),
    );

/** @throws Error where one option is given without the other that it needs */
function hooksOf({ hookPort, hookAddress, hookSecretFile }: WorkerOptions): WorkerCommandOptions['hooks'] {
  if (hookPort === undefined && hookSecretFile === undefined) return null;
  if (hookPort === undefined || hookSecretFile === undefined)
    throw new Error('--hook-port and --hook-secret-file belong together: give both');
  return { port: hookPort, address: hookAddress, secretFile: hookSecretFile };
}

/** Adds the options of a table. Of repeated ones the last counts, if it is no list. @throws BadInput for the line */
export function declareOptions(command: Command, options: DeclaredOptions): Command {
  const machine: Machine = {
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    stateRoot: defaultStateRoot(process.env),
  };
  for (const { flags, description, kind, usual } of Object.values(options)) {
    const option = new Option(flags, description);
    if (kind !== undefined) readBy(option, kind);
    const value = usual?.(machine);
    if (value !== undefined) option.default(value, Array.isArray(value) ? value.join(',') : undefined);
    command.addOption(option);
  }
  return command;
}

function readBy(option: Option, kind: Kind<unknown>): void {
  const words: string[] = [];
  const field = option.long ?? option.flags;
  if (kind.choices !== undefined) option.choices(kind.choices);
  option.argParser((word) => {
    words.push(word);
    const typed = typedValue(kind, kind.many === 'repeated' ? words : [word], field);
    return kind.read(kind.file === undefined || typeof typed !== 'string' ? typed : resolve(typed), field);
  });
}
