import { availableParallelism, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { checkAccountName } from '../model/checks/names.js';
import { defaultStateRoot, runKeyFile } from '../model/machine/state-directory.js';
import { LOG_FORMATS, ROLES, WORKER_OPTIONS } from '../model/machine/worker-options.js';
import type { LogFormat, Role, WorkerOptionName } from '../model/machine/worker-options.js';

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
  readonly logFormat: LogFormat;
  /** Started by a command: end when no command and no run needs a worker. */
  readonly attended: boolean;
}

/** Build slots of a machine: its cores, and at least four, since many derivations wait more than they compute. */
const defaultSlots = (): number => Math.max(4, availableParallelism());

/** Evaluation slots: one for each 4 GiB, since today's NixOS takes 1 to 4 GB to evaluate. */
const defaultEvaluationSlots = (): number => Math.max(1, Math.floor(totalmem() / (4 * 1024 ** 3)));

interface Raw {
  readonly stateDir: string;
  readonly roles: readonly Role[];
  readonly userQueue?: string;
  readonly systems?: readonly string[];
  readonly slots: number;
  readonly evalSlots: number;
  readonly runKeyFile?: string;
  readonly allowCommand?: readonly string[];
  readonly healthPort?: number;
  readonly metricsPort?: number;
  readonly logFormat: LogFormat;
  readonly attended?: boolean;
}

/** Adds the options that `worker` and `dev` share, and calls `action` with what was given. */
export function declareWorkerOptions(
  command: Command,
  action: (options: WorkerCommandOptions) => Promise<void>,
): Command {
  for (const name of Object.keys(WORKER_OPTIONS) as WorkerOptionName[]) {
    const { flags, description } = WORKER_OPTIONS[name];
    command.addOption(PARSED[name](new Option(flags, description)));
  }
  return command.addOption(new Option('--attended').hideHelp()).action((raw: Raw) =>
    action({
      stateDir: resolve(raw.stateDir),
      roles: raw.roles,
      userQueue: raw.userQueue ?? null,
      systems: raw.systems ?? null,
      slots: raw.slots,
      evaluationSlots: raw.evalSlots,
      runKeyFile: runKeyFile(raw.runKeyFile, process.env),
      allowedCommands: raw.allowCommand ?? null,
      healthPort: raw.healthPort ?? null,
      metricsPort: raw.metricsPort ?? null,
      logFormat: raw.logFormat,
      attended: raw.attended ?? false,
    }),
  );
}

/** What an option's text becomes, and what it is when none is given. */
const PARSED: Readonly<Record<WorkerOptionName, (option: Option) => Option>> = {
  stateDir: (option) => option.default(defaultStateRoot(process.env)),
  roles: (option) => option.argParser(roles).default(ROLES, ROLES.join(',')),
  userQueue: (option) => option.argParser(account),
  systems: (option) => option.argParser(systems),
  slots: (option) => option.argParser(whole(1, 1000)).default(defaultSlots()),
  evalSlots: (option) => option.argParser(whole(1, 1000)).default(defaultEvaluationSlots()),
  runKeyFile: (option) => option,
  allowCommand: (option) => option.argParser(command),
  healthPort: (option) => option.argParser(whole(0, 65535)),
  metricsPort: (option) => option.argParser(whole(1, 65535)),
  logFormat: (option) => option.choices(LOG_FORMATS).default('text'),
};

const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function roles(text: string): readonly Role[] {
  const given = list(text);
  const known = given.filter((role): role is Role => (ROLES as readonly string[]).includes(role));
  if (known.length === 0 || known.length !== given.length)
    throw new InvalidArgumentError(`Give one or more of ${ROLES.join(', ')}, separated by commas.`);
  return known;
}

function account(text: string): string {
  try {
    return checkAccountName(text, '--user-queue');
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** What a gate or an agent is started by: a name that is looked up, or an absolute path. */
function command(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^(?:[^\s/]+|\/\S+)$/.test(text))
    throw new InvalidArgumentError(
      'Give the name of a command such as claude, or its absolute path; without arguments.',
    );
  return [...before, text];
}

function systems(text: string): readonly string[] {
  const given = list(text);
  if (given.length === 0 || !given.every((system) => /^[a-z0-9_]+-[a-z0-9_]+$/.test(system)))
    throw new InvalidArgumentError('Give Nix systems such as x86_64-linux, separated by commas.');
  return given;
}

const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
    return value;
  };
